import Crypto
import Encodings
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

/// A stand-in for AMD with keys of its own, so that reports can be signed that no processor would sign.
struct TestAMD {
    /// A key that signs reports, and its certificate.
    struct EndorsementKey {
        let key: P384.Signing.PrivateKey
        let der: [UInt8]
        let kind: SNPEndorsementKeyKind
    }

    let product: SNPProduct
    let root: TestIssuer
    let chipAuthority: TestIssuer
    let providerAuthority: TestIssuer
    /// Within the validity of everything.
    let now = Date(timeIntervalSince1970: 1_750_000_000)

    static let signing = SignatureAlgorithm.rsaPSS(.sha384)
    /// Keys are costly, so all stand-ins share theirs.
    static let genuineKeys = Result { try (0..<3).map { _ in try TestKey.generate(.rsa(2048)) } }
    /// The keys of somebody who only calls himself AMD.
    static let impostorKeys = Result { try (0..<3).map { _ in try TestKey.generate(.rsa(2048)) } }

    /// The stand-in for a product, or with `isImpostor` somebody else under the same names.
    init(_ product: SNPProduct = .genoa, isImpostor: Bool = false) throws {
        self.product = product
        let keys = try (isImpostor ? Self.impostorKeys : Self.genuineKeys).get()
        let start = Date(timeIntervalSince1970: 1_600_000_000)
        let serial = { (number: Int) in { (draft: inout CertificateDraft) in draft.serialNumber = Self.number(number) }
        }
        root = try .root(
            TestName(commonName: "ARK-\(product.rawValue)"), key: keys[0], algorithm: Self.signing, from: start,
            serial(0x20000))
        chipAuthority = try root.authority(
            TestName(commonName: "SEV-\(product.rawValue)"), key: keys[1], algorithm: Self.signing, from: start,
            serial(0x20002))
        providerAuthority = try root.authority(
            TestName(commonName: "SEV-VLEK-\(product.rawValue)"), key: keys[2], algorithm: Self.signing, from: start,
            serial(0x20101))
    }

    static func number(_ number: Int) -> [UInt8] { Array(ASN1.integer(number).dropFirst(2)) }

    /// Trusts these authorities for this product and no others.
    var anchors: SNPTrustAnchors {
        SNPTrustAnchors([
            product: .init(
                root: PinnedAnchor(name: "ARK-\(product.rawValue)", certificate: root.certificate),
                chipAuthority: chipAuthority.certificate, providerAuthority: providerAuthority.certificate)
        ])
    }

    /// Makes a key of this kind with AMD's extensions; `others` replaces or removes their values by number.
    func endorsementKey(
        _ kind: SNPEndorsementKeyKind, hardwareID: [UInt8], levels: SNPTCBLevels, issuer: TestIssuer? = nil,
        subject: String? = nil, validFor: ClosedRange<TimeInterval> = -86_400...86_400,
        replacing others: [String: [UInt8]?] = [:]
    ) throws -> EndorsementKey {
        var values: [String: [UInt8]] = [
            "1": ASN1.integer(0), "2": ASN1.ia5String(product.rawValue),
            "3.1": ASN1.integer(Int(levels.bootloader)), "3.2": ASN1.integer(Int(levels.tee)),
            "3.3": ASN1.integer(Int(levels.snp)), "3.8": ASN1.integer(Int(levels.microcode)),
        ]
        if let fmc = levels.fmc { values["3.9"] = ASN1.integer(Int(fmc)) }
        if kind == .vcek { values["4"] = hardwareID } else { values["5"] = ASN1.ia5String("CN=test.example") }
        for (number, value) in others { values[number] = value }
        let key = P384.Signing.PrivateKey()
        var draft = CertificateDraft(
            subject: TestName(commonName: subject ?? "SEV-\(kind.rawValue.uppercased())"),
            publicKey: try PublicKey(spki: Array(key.publicKey.derRepresentation)),
            from: now.addingTimeInterval(validFor.lowerBound),
            extensions: values.sorted { $0.key < $1.key }.map {
                TestExtension("1.3.6.1.4.1.3704.1.\($0.key)", value: $0.value)
            }, serialNumber: [0])
        draft.notAfter = now.addingTimeInterval(validFor.upperBound)
        let issuer = issuer ?? (kind == .vcek ? chipAuthority : providerAuthority)
        return EndorsementKey(key: key, der: try issuer.issueDER(draft), kind: kind)
    }

    /// Makes a revocation list of the root over these serial numbers.
    func revocationList(
        revoking serials: [Int] = [], by issuer: TestIssuer? = nil, issued: TimeInterval = -86_400,
        nextUpdate: TimeInterval? = 86_400, number: Int = 4
    ) throws -> [UInt8] {
        try (issuer ?? root).revocationList(
            RevocationListDraft(
                thisUpdate: now.addingTimeInterval(issued), nextUpdate: nextUpdate.map(now.addingTimeInterval),
                entries: serials.map { .init(Self.number($0), at: now) }, extensions: [.listNumber(number)]))
    }
}

extension SNPReport {
    /// The report's bytes, signed with this key.
    func signed(by key: TestAMD.EndorsementKey) throws -> [UInt8] {
        let signature = try key.key.signature(for: encoded()[..<SNPReport.signedByteCount])
        var report = self
        report.signature = try #require(SNPSignature(rawRepresentation: Array(signature.rawRepresentation)))
        return report.encoded()
    }
}
