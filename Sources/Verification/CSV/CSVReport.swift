import Encodings
import RATS
import X509Trust

/// A report of Hygon's secure processor about a guest.
package struct CSVReport: Sendable, Hashable {
    /// The form of the report.
    package enum Version: Int64, Sendable, Hashable, CaseIterable {
        /// Every field is masked with a number that is not signed.
        case v1 = 1
        /// The extended form, with runtime registers; everything is signed.
        case v2 = 2
    }

    package let version: Version
    package let ownerKeyDigest: [UInt8]
    package let vmID: [UInt8]
    package let vmVersion: [UInt8]
    package let reportData: [UInt8]
    package let nonce: [UInt8]
    package let measure: [UInt8]
    package let policy: UInt32
    package let signatureUsage: [UInt8]
    package let signatureAlgorithm: [UInt8]
    /// The number that the fields of version 1 are masked with.
    package let mask: [UInt8]?
    /// What only version 2 has.
    package let registers: Registers?
    /// The certificate of the platform's key as it stands in the report.
    package let signer: [UInt8]
    /// The chip's serial number as it stands in the report, with zeros after it. It is not signed.
    package let serialNumber: [UInt8]
    /// Whether the checksum over certificate and serial number is right; `nil` where the agent took the mask off them.
    let isChecksumRight: Bool?
    private let signed: [UInt8]
    private let signature: [UInt8]

    /// The runtime registers and what stands around them.
    package struct Registers: Sendable, Hashable {
        package let build: UInt32
        package let version: UInt16
        package let reserved0: [UInt8]
        /// Five registers, 32 bytes each; the first is the launch measurement.
        package let values: [[UInt8]]
        package let reserved1: [UInt8]
    }

    private static let magic = Array("ATTESTATION_EXT\0".utf8)
    private static let signerByteCount = CSVPlatformCertificate.byteCount + 64 + 32
    private static let maximumBytes = 4096

    /// Reads a report, after which zeros may follow.
    ///
    /// Throws `malformed_evidence`, and `unsupported_version` for another form than the two.
    package init(parsing bytes: [UInt8], magic: [UInt8], flags: UInt64) throws(VerificationError) {
        guard bytes.count <= Self.maximumBytes else { throw .malformed("The CSV report is too large.") }
        switch flags {
        case 0 where magic.allSatisfy { $0 == 0 }: version = .v1
        case 1 where magic == Self.magic: version = .v2
        default: throw .unsupportedVersion("The CSV report has a form that is not known.")
        }
        let signatureStart = version == .v1 ? 192 : 0x400
        let signerStart = signatureStart + 144
        let end = signerStart + Self.signerByteCount + 32
        guard bytes.count >= end, bytes[end...].allSatisfy({ $0 == 0 }) else {
            throw .malformed("The CSV report is cut off, or something follows it.")
        }
        let mask = version == .v1 ? Array(bytes[188..<192]) : [0, 0, 0, 0]
        self.mask = version == .v1 ? mask : nil
        var reader = EvidenceReader(Self.unmasked(bytes[..<signatureStart], mask), "The CSV report")
        ownerKeyDigest = try reader.bytes(32)
        vmID = try reader.bytes(16)
        vmVersion = try reader.bytes(16)
        reportData = try reader.bytes(64)
        nonce = try reader.bytes(16)
        measure = try reader.bytes(32)
        policy = try reader.u32LE()
        signatureUsage = try reader.bytes(4)
        signatureAlgorithm = try reader.bytes(4)
        registers = version == .v1 ? nil : try Self.registers(&reader)
        var tail = EvidenceReader(Array(bytes[signatureStart..<signerStart]), "The CSV report's signature")
        signature = try CSVKey.signature(&tail)
        signed = Array(bytes[..<(version == .v1 ? 180 : signatureStart)])
        let block = Array(bytes[signerStart..<(signerStart + Self.signerByteCount)])
        let checksum = Array(bytes[(signerStart + Self.signerByteCount)..<end])
        (signer, serialNumber, isChecksumRight) = Self.signer(block, checksum, mask: mask, nonce: nonce)
    }

    /// Whether the platform's key signed the report, and the report says so.
    func isSigned(by certificate: CSVPlatformCertificate) -> Bool {
        signatureUsage == [0x02, 0x10, 0, 0] && signatureAlgorithm == [4, 0, 0, 0]
            && certificate.key.signed(signed, signature)
    }

    private static func registers(_ reader: inout EvidenceReader) throws(VerificationError) -> Registers {
        let (build, version) = (try reader.u32LE(), try reader.u16LE())
        let reserved0 = try reader.bytes(14)
        var values: [[UInt8]] = []
        for _ in 0..<5 { values.append(try reader.bytes(32)) }
        return Registers(
            build: build, version: version, reserved0: reserved0, values: values, reserved1: try reader.bytes(656))
    }

    /// Agents pass the block on as it came, or with the mask taken off certificate and serial number, which makes the
    /// checksum worthless. It never was worth much: its key is the nonce, which stands in the report.
    private static func signer(
        _ block: [UInt8], _ checksum: [UInt8], mask: [UInt8], nonce: [UInt8]
    ) -> (certificate: [UInt8], serialNumber: [UInt8], isChecksumRight: Bool?) {
        let isRight = SM3Code.code(of: block, key: nonce).map { constantTimeEqual($0, checksum) } ?? false
        // Without a mask there is nothing that an agent could have taken off.
        let isMasked = mask.contains { $0 != 0 }
        let isPlain = !isRight && isMasked && (1...2).contains(block[0]) && block[1...3].allSatisfy { $0 == 0 }
        let plain = isPlain ? block : unmasked(block[...], mask)
        let end = CSVPlatformCertificate.byteCount
        return (Array(plain[..<end]), Array(plain[end..<(end + 64)]), isPlain ? nil : isRight)
    }

    private static func unmasked(_ bytes: ArraySlice<UInt8>, _ mask: [UInt8]) -> [UInt8] {
        bytes.enumerated().map { $1 ^ mask[$0 % 4] }
    }
}

/// HMAC (RFC 2104) with SM3, whose blocks have 64 bytes.
enum SM3Code {
    /// The code over a message; `nil` where OpenSSL lacks SM3. The key has at most 64 bytes.
    static func code(of message: [UInt8], key: [UInt8]) -> [UInt8]? {
        guard key.count <= 64 else { return nil }
        let padded = key + [UInt8](repeating: 0, count: 64 - key.count)
        guard let inner = try? DigestAlgorithm.sm3.hash(padded.map { $0 ^ 0x36 } + message) else { return nil }
        return try? DigestAlgorithm.sm3.hash(padded.map { $0 ^ 0x5c } + inner)
    }
}
