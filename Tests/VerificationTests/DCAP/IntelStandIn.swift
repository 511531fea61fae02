import Crypto
import Encodings
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

/// A manufacturer of platforms like Intel, with keys of its own: whatever an attacker or a broken platform could present
/// is signed here all the way up.
struct IntelStandIn {
    static let now = Date(timeIntervalSince1970: 1_750_000_000)
    static let names = (
        root: TestName([("CN", "Intel SGX Root CA"), ("O", "Stand-in")]),
        platform: TestName([("CN", "Intel SGX PCK Platform CA"), ("O", "Stand-in")]),
        processor: TestName([("CN", "Intel SGX PCK Processor CA"), ("O", "Stand-in")])
    )

    let root: TestIssuer
    let authority: TestIssuer
    let signer: Certificate
    let signerKey: P256.Signing.PrivateKey
    let platformKey: P256.Signing.PrivateKey
    let attestationKey = P256.Signing.PrivateKey()

    /// What the platform's certificate says.
    var platform = PlatformDraft()
    /// When the platform's certificate begins and ends to be valid.
    var validity = (from: now.addingTimeInterval(-86_400), until: now.addingTimeInterval(86_400 * 365))
    /// Serial numbers that the lists name.
    var revokedByRoot: [[UInt8]] = []
    var revokedByAuthority: [[UInt8]] = []
    /// When the lists were made and end.
    var listDates = (from: now.addingTimeInterval(-86_400), until: now.addingTimeInterval(86_400 * 30))

    init() throws {
        let start = Self.now.addingTimeInterval(-86_400 * 365)
        root = try TestIssuer.root(Self.names.root, key: .generate(.ec(.p256)), from: start) { $0.serialNumber = [1] }
        authority = try root.authority(Self.names.platform, key: .generate(.ec(.p256)), from: start) {
            $0.serialNumber = [2]
        }
        signerKey = P256.Signing.PrivateKey()
        let key = try PublicKey(spki: Array(signerKey.publicKey.derRepresentation))
        signer = try root.issue(
            CertificateDraft(
                subject: TestName([("CN", "Intel SGX TCB Signing"), ("O", "Stand-in")]), publicKey: key, from: start,
                extensions: [.basicConstraints(isAuthority: false), .keyUsage(.digitalSignature)], serialNumber: [3]))
        platformKey = P256.Signing.PrivateKey()
    }

    var anchors: [PinnedAnchor] { [PinnedAnchor(name: "Stand-in", certificate: root.certificate)] }

    // MARK: Certificates

    func certificates(issuer: TestIssuer? = nil) throws -> [UInt8] {
        let issuer = issuer ?? authority
        var draft = CertificateDraft(
            subject: TestName([("CN", "Intel SGX PCK Certificate"), ("O", "Stand-in")]),
            publicKey: try PublicKey(spki: Array(platformKey.publicKey.derRepresentation)), from: validity.from,
            extensions: [
                .basicConstraints(isAuthority: false), .keyUsage(.digitalSignature),
                TestExtension("1.2.840.113741.1.13.1", value: platform.der),
            ], serialNumber: [0x77])
        draft.notAfter = validity.until
        let leaf = try issuer.issue(draft)
        return Array((leaf.pem + issuer.certificate.pem + root.certificate.pem).utf8)
    }

    // MARK: Quotes

    /// A quote about a trust domain of version 4, or of version 5 when the report is one of TDX 1.5.
    func quote(
        _ report: TrustDomainReport, enclave: EnclaveReport? = nil, authenticationData: [UInt8] = Array(0..<32),
        certificates: [UInt8]? = nil, header change: (inout [UInt8]) -> Void = { _ in }
    ) throws -> IntelQuote {
        var header: [UInt8] = [report.is15 ? 5 : 4, 0, 2, 0, 0x81, 0, 0, 0, 0, 0, 0, 0]
        header += QuoteHeader.intelVendorID + [UInt8](repeating: 7, count: 20)
        change(&header)
        let descriptor: [UInt8] = report.is15 ? [3, 0, 0x88, 2, 0, 0] : []
        return try quote(
            header, descriptor, .trustDomain(report), try enclave ?? Self.quotingEnclave(product: 2),
            authenticationData,
            certificates)
    }

    /// A quote about an enclave, of version 3.
    func quote(_ report: EnclaveReport, enclave: EnclaveReport? = nil, certificates: [UInt8]? = nil) throws
        -> IntelQuote
    {
        let header =
            [3, 0, 2, 0, 0, 0, 0, 0, 8, 0, 13, 0] + QuoteHeader.intelVendorID + [UInt8](repeating: 7, count: 20)
        return try quote(
            header, [], .enclave(report), try enclave ?? Self.quotingEnclave(product: 1), [1, 2], certificates)
    }

    private func quote(
        _ header: [UInt8], _ descriptor: [UInt8], _ body: IntelQuote.Body, _ enclave: EnclaveReport,
        _ authenticationData: [UInt8], _ text: [UInt8]?
    ) throws -> IntelQuote {
        let key = Array(attestationKey.publicKey.rawRepresentation)
        let bound = Array(SHA256.hash(data: key + authenticationData)) + [UInt8](repeating: 0, count: 32)
        let isBound = enclave[.reportData].contains { $0 != 0 }
        let report = isBound ? enclave : enclave.replacing(.reportData, bound)
        let signature = try attestationKey.signature(for: header + descriptor + body.bytes)
        return IntelQuote(
            header: try #require(QuoteHeader(bytes: header)), bodyDescriptor: descriptor, body: body,
            signature: QuoteSignature(
                signature: Array(signature.rawRepresentation), attestationKey: key, enclaveReport: report,
                enclaveReportSignature: Array(try platformKey.signature(for: report.bytes).rawRepresentation),
                authenticationData: authenticationData, certificates: try text ?? certificates()))
    }

    /// The report of the quoting enclave that the stand-in's identity describes.
    static func quotingEnclave(product: UInt8, version: UInt8 = 4) throws -> EnclaveReport {
        try #require(EnclaveReport(bytes: [UInt8](repeating: 0, count: EnclaveReport.size)))
            .replacing(.attributeFlags, [0x15, 0, 0, 0, 0, 0, 0, 0])
            .replacing(.signerMeasurement, [UInt8](repeating: 0xDC, count: 32))
            .replacing(.productID, [product, 0]).replacing(.securityVersion, [version, 0])
    }

    // MARK: Collateral

    func sign(_ member: String, _ content: JSONValue) throws -> CollateralItem {
        let bytes = content.serialized()
        let signature = try signerKey.signature(for: bytes).rawRepresentation
        let body =
            Array("{\"\(member)\":".utf8) + bytes + Array(",\"signature\":\"\(Hex.encode(Array(signature)))\"}".utf8)
        return CollateralItem(body: body, issuerChain: [signer.der, root.certificate.der])
    }

    func list(_ issuer: TestIssuer, _ revoked: [[UInt8]]) throws -> CollateralItem {
        let draft = RevocationListDraft(
            thisUpdate: listDates.from, nextUpdate: listDates.until,
            entries: revoked.map { .init($0, at: Self.now.addingTimeInterval(-3600)) })
        return CollateralItem(
            body: try issuer.revocationList(draft), issuerChain: [issuer.certificate.der, root.certificate.der])
    }

    /// All that a verifier asks for, of one kind of quotes.
    func items(
        _ kind: CollateralName.IntelQuoteKind = .tdx, info: JSONValue? = nil, identity: JSONValue? = nil
    ) throws -> [CollateralName: CollateralItem] {
        [
            .intelTCBInfo(kind, fmspc: platform.fmspc, channel: .early): try sign(
                "tcbInfo", info ?? IntelDocuments.tcbInfo(kind)),
            .intelQEIdentity(kind, channel: .early): try sign(
                "enclaveIdentity", identity ?? IntelDocuments.qeIdentity(kind)),
            .intelPCKRevocationList(.platform): try list(authority, revokedByAuthority),
            .intelRootRevocationList: try list(root, revokedByRoot),
        ]
    }
}

extension EnclaveReport {
    func replacing(_ field: Field, _ value: [UInt8]) -> EnclaveReport {
        EnclaveReport(bytes: bytes(replacing: field, with: value)) ?? self
    }
}

extension TrustDomainReport {
    /// A report of zeros but for what a trust domain on the stand-in's platform would have.
    static func plain(is15: Bool = false, reportData: [UInt8] = Array(1...64)) throws -> TrustDomainReport {
        try #require(TrustDomainReport(bytes: [UInt8](repeating: 0, count: is15 ? size15 : size10)))
            .replacing(.tcbSVN, [4, 1, 3] + [UInt8](repeating: 0, count: 13))
            .replacing(.currentTCBSVN, [4, 1, 3] + [UInt8](repeating: 0, count: 13))
            .replacing(.attributes, [0, 0, 0, 0x10, 0, 0, 0, 0]).replacing(.reportData, reportData)
    }

    func replacing(_ field: Field, _ value: [UInt8]) -> TrustDomainReport {
        TrustDomainReport(bytes: bytes(replacing: field, with: value)) ?? self
    }

    /// The same with these attributes besides.
    func allowing(_ attributes: Attributes) -> TrustDomainReport {
        let all = self.attributes.union(attributes).rawValue
        return replacing(.attributes, withUnsafeBytes(of: all.littleEndian) { Array($0) })
    }
}

/// What a platform's certificate of the stand-in says.
struct PlatformDraft {
    var fmspc: [UInt8] = [0xB0, 0xC0, 0x6F, 0, 0, 0]
    var pceID: [UInt8] = [0, 0]
    var components: [Int] = [3, 3, 2, 2, 3, 1, 0, 5] + [Int](repeating: 0, count: 8)
    var pceSVN = 13
    /// More members, as they are.
    var others: [[UInt8]] = []

    static let identifier = "1.2.840.113741.1.13.1"

    static func member(_ path: String, _ value: [UInt8]) -> [UInt8] {
        ASN1.sequence(ASN1.objectIdentifier("\(identifier).\(path)"), value)
    }

    var der: [UInt8] {
        var levels: [UInt8] = []
        for (index, version) in components.enumerated() {
            levels += Self.member("2.\(index + 1)", ASN1.integer(version))
        }
        levels += Self.member("2.17", ASN1.integer(pceSVN))
        levels += Self.member("2.18", ASN1.octetString(components.map { UInt8(truncatingIfNeeded: $0) }))
        let switches: [UInt8] = (1...3).flatMap { Self.member("7.\($0)", ASN1.element(0x01, [0xFF])) }
        let members: [[UInt8]] = [
            Self.member("1", ASN1.octetString([UInt8](repeating: 0xAA, count: 16))),
            Self.member("2", ASN1.element(0x30, levels)), Self.member("3", ASN1.octetString(pceID)),
            Self.member("4", ASN1.octetString(fmspc)), Self.member("5", ASN1.element(0x0A, [1])),
            Self.member("6", ASN1.octetString([UInt8](repeating: 0xBB, count: 16))),
            Self.member("7", ASN1.element(0x30, switches)),
        ]
        return ASN1.element(0x30, Array((members + others).joined()))
    }
}
