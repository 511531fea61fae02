public import Foundation
public import X509Trust

/// An authority of a test hierarchy: it signs whatever it is given.
public struct TestIssuer: Sendable {
    /// The name that stands in what it issues.
    public let name: TestName
    /// Its key.
    public let key: TestKey
    /// How it signs.
    public let algorithm: SignatureAlgorithm
    /// Its certificate.
    public let certificate: Certificate

    /// A self-signed root that is valid for ten years from `start`, unless `change` makes it another.
    public static func root(
        _ name: TestName, key: TestKey, algorithm: SignatureAlgorithm? = nil, from start: Date,
        _ change: (inout CertificateDraft) -> Void = { _ in }
    ) throws -> TestIssuer {
        let algorithm = algorithm ?? key.usualAlgorithm
        var draft = CertificateDraft(
            subject: name, publicKey: key.publicKey, from: start, extensions: TestExtension.authority())
        change(&draft)
        let der = try signed(draft.content(issuer: name, ASN1.algorithm(algorithm)), key, algorithm)
        return TestIssuer(name: name, key: key, algorithm: algorithm, certificate: try Certificate(der: der))
    }

    /// An authority below this one that is valid for ten years from `start`, unless `change` makes it another.
    public func authority(
        _ name: TestName, key: TestKey, algorithm: SignatureAlgorithm? = nil, from start: Date,
        _ change: (inout CertificateDraft) -> Void = { _ in }
    ) throws -> TestIssuer {
        var draft = CertificateDraft(
            subject: name, publicKey: key.publicKey, from: start, extensions: TestExtension.authority())
        change(&draft)
        return TestIssuer(
            name: name, key: key, algorithm: algorithm ?? key.usualAlgorithm, certificate: try issue(draft))
    }

    /// A certificate.
    public func issue(_ draft: CertificateDraft) throws -> Certificate { try Certificate(der: issueDER(draft)) }

    /// The bytes of a certificate, which need not be one that can be read.
    public func issueDER(_ draft: CertificateDraft) throws -> [UInt8] {
        try Self.signed(draft.content(issuer: name, ASN1.algorithm(algorithm)), key, algorithm)
    }

    /// The bytes of a revocation list.
    public func revocationList(_ draft: RevocationListDraft) throws -> [UInt8] {
        try Self.signed(draft.content(issuer: name, ASN1.algorithm(algorithm)), key, algorithm)
    }

    /// This authority with another key, as a thief of its name would have it.
    public func impersonated(by key: TestKey, algorithm: SignatureAlgorithm? = nil) -> TestIssuer {
        TestIssuer(
            name: name, key: key, algorithm: algorithm ?? key.usualAlgorithm, certificate: certificate)
    }

    private static func signed(
        _ content: [UInt8], _ key: TestKey, _ algorithm: SignatureAlgorithm
    ) throws -> [UInt8] {
        ASN1.sequence(content, ASN1.algorithm(algorithm), ASN1.bitString(try key.sign(content, algorithm)))
    }
}
