import Foundation
import X509TestSupport
import X509Trust

/// A root, an authority below it and a leaf, all with keys of their own.
struct Hierarchy {
    static let start = Date(timeIntervalSince1970: 1_800_000_000)
    static var now: Date { start.addingTimeInterval(86_400) }

    let root: TestIssuer
    let authority: TestIssuer
    let leafKey: TestKey
    let leaf: Certificate

    var path: [Certificate] { [leaf, authority.certificate, root.certificate] }
    var anchors: [PinnedAnchor] { [PinnedAnchor(name: "test root", certificate: root.certificate)] }

    init(
        _ kind: TestKey.Kind = .ec(.p256), algorithm: SignatureAlgorithm? = nil,
        root changeRoot: (inout CertificateDraft) -> Void = { _ in },
        authority changeAuthority: (inout CertificateDraft) -> Void = { _ in },
        leaf changeLeaf: (inout CertificateDraft) -> Void = { _ in }
    ) throws {
        root = try TestIssuer.root(
            "Root", key: .generate(kind), algorithm: algorithm, from: Self.start, changeRoot)
        authority = try root.authority(
            "Authority", key: .generate(kind), algorithm: algorithm, from: Self.start
        ) { draft in
            draft.serialNumber = [2]
            changeAuthority(&draft)
        }
        leafKey = try TestKey.generate(.ec(.p256))
        var draft = CertificateDraft(
            subject: "Leaf", publicKey: leafKey.publicKey, from: Self.start,
            extensions: [.basicConstraints(isAuthority: false), .keyUsage(.digitalSignature)], serialNumber: [3])
        changeLeaf(&draft)
        leaf = try authority.issue(draft)
    }

    func verify(at date: Date = Hierarchy.now, usage: LeafUsage = .digitalSignature) throws(X509Error) -> VerifiedChain
    {
        try CertificateChain.verify(path: path, anchors: anchors, usage: usage, at: date)
    }

    /// A list of the authority or of another issuer.
    func list(
        by issuer: TestIssuer? = nil, _ change: (inout RevocationListDraft) -> Void = { _ in }
    ) throws -> RevocationList {
        var draft = RevocationListDraft(
            thisUpdate: Self.start, nextUpdate: Self.start.addingTimeInterval(30 * 86_400))
        change(&draft)
        return try RevocationList(der: (issuer ?? authority).revocationList(draft))
    }
}

/// The code with which something is refused, `nil` when it is not.
func refusal(_ body: () throws -> Void) throws -> String? {
    do {
        try body()
        return nil
    } catch let error as X509Error {
        return error.code
    }
}
