import RATS

extension IntelQuote {
    /// No quote is larger; the largest buffers that guests send have 8000 bytes.
    static let maximumSize = 65_536

    /// Reads a quote.
    ///
    /// After the signature part only zero bytes may follow: guests send buffers of fixed sizes.
    /// Throws `malformed_evidence`, and `unsupported_version` for versions, keys and certification data that nobody can
    /// verify here.
    package init(parsing bytes: [UInt8]) throws(VerificationError) {
        var reader = EvidenceReader(bytes, "The quote")
        guard bytes.count <= Self.maximumSize else {
            throw reader.malformed("It has \(bytes.count) bytes, more than \(Self.maximumSize).")
        }
        guard let header = QuoteHeader(bytes: try reader.bytes(QuoteHeader.size)) else {
            throw reader.malformed("Its header has a wrong size.")
        }
        self.header = header
        try Self.requireSupported(header)
        let kind: BodyKind
        (kind, bodyDescriptor) = try Self.bodyKind(header, &reader)
        body = try Self.body(kind, &reader)
        let signaturePart = try reader.bytes(Int(try reader.u32LE()))
        try reader.requireZeros()
        signature = try QuoteSignature(parsing: signaturePart, isNested: header.version >= 4)
    }

    /// What a body can be, by its type in quotes of version 5.
    private enum BodyKind: UInt16 {
        case enclave = 1
        case trustDomain10
        case trustDomain15

        var size: Int {
            switch self {
            case .enclave: EnclaveReport.size
            case .trustDomain10: TrustDomainReport.size10
            case .trustDomain15: TrustDomainReport.size15
            }
        }

        var teeType: UInt64 { self == .enclave ? IntelQuote.sgx : IntelQuote.tdx }
    }

    private static let sgx: UInt64 = 0
    private static let tdx: UInt64 = 0x81

    private static func requireSupported(_ header: QuoteHeader) throws(VerificationError) {
        guard (3...5).contains(header.version) else {
            throw .unsupportedQuote("its version is \(header.version), not 3, 4 or 5")
        }
        guard header.attestationKeyType == 2 else {
            throw .unsupportedQuote("its attestation key is of type \(header.attestationKeyType), not ECDSA on P-256")
        }
        guard header.teeType == sgx || header.version > 3 && header.teeType == tdx else {
            throw .unsupportedQuote("quotes of version \(header.version) are not about TEE type \(header.teeType)")
        }
    }

    private static func bodyKind(
        _ header: QuoteHeader, _ reader: inout EvidenceReader
    ) throws(VerificationError) -> (BodyKind, descriptor: [UInt8]) {
        guard header.version == 5 else { return (header.teeType == sgx ? .enclave : .trustDomain10, []) }
        let descriptor = try reader.bytes(6)
        var fields = EvidenceReader(descriptor, "The quote's body")
        let (type, size) = (try fields.u16LE(), try fields.u32LE())
        guard let kind = BodyKind(rawValue: type) else { throw .unsupportedQuote("its body is of type \(type)") }
        guard kind.teeType == header.teeType, kind.size == size else {
            throw reader.malformed("Its header and its body's type and size contradict each other.")
        }
        return (kind, descriptor)
    }

    private static func body(
        _ kind: BodyKind, _ reader: inout EvidenceReader
    ) throws(VerificationError) -> Body {
        let bytes = try reader.bytes(kind.size)
        if kind == .enclave, let report = EnclaveReport(bytes: bytes) {
            guard report.reservedIsZero else { throw reader.malformed("Reserved bytes of its body are not zero.") }
            return .enclave(report)
        }
        guard let report = TrustDomainReport(bytes: bytes) else {
            throw reader.malformed("Its body has a wrong size.")
        }
        return .trustDomain(report)
    }
}

extension QuoteSignature {
    /// Reads a signature part, all of it.
    fileprivate init(parsing bytes: [UInt8], isNested: Bool) throws(VerificationError) {
        var reader = EvidenceReader(bytes, "The quote's signature part")
        signature = try reader.bytes(64)
        attestationKey = try reader.bytes(64)
        if isNested {
            let kind = try reader.u16LE()
            guard kind == Self.enclaveReportCertification else {
                throw .unsupportedQuote("its attestation key is certified by data of type \(kind), not 6")
            }
            let nested = try reader.bytes(Int(try reader.u32LE()))
            try reader.requireEnd()
            reader = EvidenceReader(nested, "What certifies the quote's attestation key")
        }
        let report = EnclaveReport(bytes: try reader.bytes(EnclaveReport.size))
        guard let report, report.reservedIsZero else {
            throw reader.malformed("Reserved bytes of the quoting enclave's report are not zero.")
        }
        enclaveReport = report
        enclaveReportSignature = try reader.bytes(64)
        authenticationData = try reader.bytes(Int(try reader.u16LE()))
        let kind = try reader.u16LE()
        guard kind == Self.certificateChain else {
            throw .unsupportedQuote(
                "it names its platform by data of type \(kind) instead of bringing the certificates along (5)")
        }
        certificates = try reader.bytes(Int(try reader.u32LE()))
        try reader.requireEnd()
    }
}
