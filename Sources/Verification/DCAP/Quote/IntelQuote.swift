/// A quote of Intel's attestation architecture (DCAP, versions 3 to 5 with ECDSA on P-256), as plain values.
///
/// Reading one proves nothing: its signatures are judged by ``QuoteVerifier``.
package struct IntelQuote: Sendable, Hashable {
    /// What the quote is about.
    package enum Body: Sendable, Hashable {
        /// An SGX enclave.
        case enclave(EnclaveReport)
        /// A TDX trust domain.
        case trustDomain(TrustDomainReport)

        /// The report as it was signed.
        package var bytes: [UInt8] {
            switch self {
            case .enclave(let report): report.bytes
            case .trustDomain(let report): report.bytes
            }
        }
    }

    /// The quote's header.
    package let header: QuoteHeader
    /// Type and size of the body as they stand in quotes of version 5 (6 bytes), empty in older ones.
    package let bodyDescriptor: [UInt8]
    /// What the quote is about.
    package let body: Body
    /// The signatures and what they are checked with.
    package let signature: QuoteSignature

    /// A quote of these parts.
    package init(header: QuoteHeader, bodyDescriptor: [UInt8] = [], body: Body, signature: QuoteSignature) {
        self.header = header
        self.bodyDescriptor = bodyDescriptor
        self.body = body
        self.signature = signature
    }

    /// What the attestation key signed.
    package var signedBytes: [UInt8] { header.bytes + bodyDescriptor + body.bytes }

    /// The quote as it goes over the wire.
    package var encoded: [UInt8] {
        let signature = signature.encoded(isNested: header.version >= 4)
        return signedBytes + littleEndian(UInt32(truncatingIfNeeded: signature.count)) + signature
    }
}

/// The header of a quote, 48 bytes.
package struct QuoteHeader: FixedLayout {
    /// The size of the header in bytes.
    package static let size = 48
    /// The vendor of the only quoting enclaves that there are (Intel, 939a7233-f79c-4ca9-940a-0db3957f0607).
    package static let intelVendorID: [UInt8] = [
        0x93, 0x9A, 0x72, 0x33, 0xF7, 0x9C, 0x4C, 0xA9, 0x94, 0x0A, 0x0D, 0xB3, 0x95, 0x7F, 0x06, 0x07,
    ]

    /// The header as it was signed.
    package let bytes: [UInt8]

    /// A header of these bytes; `nil` unless there are 48.
    package init?(bytes: [UInt8]) {
        guard bytes.count == Self.size else { return nil }
        self.bytes = bytes
    }

    /// A field of the header, by its name in quotes about trust domains.
    package enum Field: String, LayoutField {
        case version
        case attestationKeyType = "att_key_type"
        case teeType = "tee_type"
        /// Quotes about enclaves have security versions here: 2 bytes of the quoting enclave, 2 bytes of the PCE.
        case reserved
        case vendorID = "vendor_id"
        case userData = "user_data"

        package var range: Range<Int> {
            switch self {
            case .version: 0..<2
            case .attestationKeyType: 2..<4
            case .teeType: 4..<8
            case .reserved: 8..<12
            case .vendorID: 12..<28
            case .userData: 28..<48
            }
        }
    }

    /// The version of the quote's format.
    package var version: UInt64 { integer(.version) }
    /// The algorithm of the attestation key: 2 is ECDSA on P-256.
    package var attestationKeyType: UInt64 { integer(.attestationKeyType) }
    /// What was attested: 0 for SGX, 0x81 for TDX.
    package var teeType: UInt64 { integer(.teeType) }
}

/// The signature part of a quote.
package struct QuoteSignature: Sendable, Hashable {
    /// The attestation key's signature of the quote: r ‖ s, big-endian, 64 bytes.
    package let signature: [UInt8]
    /// The attestation key: x ‖ y, big-endian, 64 bytes.
    package let attestationKey: [UInt8]
    /// The report of the quoting enclave, which binds the attestation key.
    package let enclaveReport: EnclaveReport
    /// The platform's signature (PCK) of that report: r ‖ s, big-endian, 64 bytes.
    package let enclaveReportSignature: [UInt8]
    /// Bytes of the quoting enclave's choice that its report binds too.
    package let authenticationData: [UInt8]
    /// The certificates of the platform's key as PEM text.
    package let certificates: [UInt8]

    /// A signature part of these values.
    package init(
        signature: [UInt8], attestationKey: [UInt8], enclaveReport: EnclaveReport, enclaveReportSignature: [UInt8],
        authenticationData: [UInt8], certificates: [UInt8]
    ) {
        self.signature = signature
        self.attestationKey = attestationKey
        self.enclaveReport = enclaveReport
        self.enclaveReportSignature = enclaveReportSignature
        self.authenticationData = authenticationData
        self.certificates = certificates
    }

    /// The kind of certification data that is a chain of certificates in PEM.
    static let certificateChain: UInt16 = 5
    /// The kind of certification data that is a quoting enclave's report with certification data of its own.
    static let enclaveReportCertification: UInt16 = 6

    /// The part as it goes over the wire; from version 4 on what certifies the attestation key is nested.
    func encoded(isNested: Bool) -> [UInt8] {
        var tail = enclaveReport.bytes + enclaveReportSignature
        tail += littleEndian(UInt16(truncatingIfNeeded: authenticationData.count)) + authenticationData
        tail += littleEndian(Self.certificateChain) + littleEndian(UInt32(truncatingIfNeeded: certificates.count))
        tail += certificates
        guard isNested else { return signature + attestationKey + tail }
        return signature + attestationKey + littleEndian(Self.enclaveReportCertification)
            + littleEndian(UInt32(truncatingIfNeeded: tail.count)) + tail
    }
}

private func littleEndian(_ number: some FixedWidthInteger) -> [UInt8] {
    withUnsafeBytes(of: number.littleEndian) { Array($0) }
}
