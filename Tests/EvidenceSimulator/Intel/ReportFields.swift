import RATS
import Verification

extension EnclaveReport {
    /// This report with one field replaced; zeros follow a value that is shorter than the field.
    package func replacing(_ field: Field, with value: [UInt8]) -> EnclaveReport {
        EnclaveReport(bytes: bytes(replacing: field, with: padded(value, to: field.range.count))) ?? self
    }

    /// A report of these fields, zero where nothing is said.
    static func of(_ fields: [(Field, [UInt8])]) throws -> EnclaveReport {
        guard let empty = EnclaveReport(bytes: Array(repeating: 0, count: size)) else {
            throw SimulationError("an enclave's report has another size")
        }
        return fields.reduce(empty) { $0.replacing($1.0, with: $1.1) }
    }

    /// The quoting enclave that the simulated identity of its kind describes.
    static func quoting(_ kind: CollateralName.IntelQuoteKind) throws -> EnclaveReport {
        try of([
            (.cpuSVN, [7, 7, 2, 2, 3, 1, 0, 5]), (.attributeFlags, [0x15]), (.attributeFeatures, [0xE7]),
            (.enclaveMeasurement, Array(repeating: 0x0E, count: 32)), (.signerMeasurement, QEIdentityDraft.signer),
            (.productID, [QEIdentityDraft.productID(kind), 0]), (.securityVersion, [8, 0]),
        ])
    }
}

extension TrustDomainReport {
    /// This report with one field replaced; zeros follow a value that is shorter than the field.
    package func replacing(_ field: Field, with value: [UInt8]) -> TrustDomainReport {
        TrustDomainReport(bytes: bytes(replacing: field, with: padded(value, to: field.range.count))) ?? self
    }

    /// A report of these fields, zero where nothing is said.
    static func of(_ fields: [(Field, [UInt8])], size: Int) throws -> TrustDomainReport {
        guard let empty = TrustDomainReport(bytes: Array(repeating: 0, count: size)) else {
            throw SimulationError("no trust domain's report has \(size) bytes")
        }
        return fields.reduce(empty) { $0.replacing($1.0, with: $1.1) }
    }
}

extension QuoteHeader {
    /// This header with one field replaced; zeros follow a value that is shorter than the field.
    package func replacing(_ field: Field, with value: [UInt8]) -> QuoteHeader {
        QuoteHeader(bytes: bytes(replacing: field, with: padded(value, to: field.range.count))) ?? self
    }

    /// The header of a quote by Intel's quoting enclave with a key on P-256.
    static func intel(version: UInt16, teeType: UInt32) throws -> QuoteHeader {
        let bytes = littleEndian(version) + littleEndian(UInt16(2)) + littleEndian(teeType) + [0, 0, 0, 0]
        guard let header = QuoteHeader(bytes: padded(bytes + intelVendorID, to: size)) else {
            throw SimulationError("a quote's header has another size")
        }
        return header
    }
}
