import FoundationEssentials
import RATS
import X509Trust

/// Why an attestation key is believed, or that it is not.
enum TPMKeyTrust: Sendable {
    /// The operator named the key.
    case allowList
    /// An authority certified the key.
    case certificate(VerifiedChain)
    /// Nobody knows the key: it may be software's.
    case none

    /// Whether anybody vouches for the key.
    var isVouchedFor: Bool { if case .none = self { false } else { true } }

    /// The word in claims.
    var word: String {
        switch self {
        case .allowList: "allow_list"
        case .certificate: "certificate"
        case .none: "none"
        }
    }

    /// The certificates of the key, its own first, the root last.
    var chain: [[UInt8]] {
        if case .certificate(let chain) = self { chain.certificates.map(\.der) } else { [] }
    }
}

/// Verifies certificates of attestation keys up to a pinned root.
struct TPMKeyCertification: Sendable {
    let anchors: TPMTrustAnchors
    private let cache = VerifiedChainCache(capacity: 256)

    init(anchors: TPMTrustAnchors) {
        self.anchors = anchors
    }

    /// The chain of `key`, whose certificate is the first of `certificates`; others may follow in any order.
    ///
    /// A certificate may be followed by zeros, as TPMs store it. Throws `malformed_evidence`, `key_not_bound` when the
    /// certificate is another key's, and what verifying the chain throws.
    func verify(
        _ certificates: [[UInt8]], of key: PublicKey, at date: Date
    ) throws(VerificationError) -> VerifiedChain {
        do throws(X509Error) {
            var presented: [Certificate] = []
            for bytes in certificates { presented.append(try Certificate.prefix(of: bytes)) }
            guard let leaf = presented.first else { throw X509Error(code: "malformed_certificate", message: "") }
            let path = path(from: leaf, over: presented.dropFirst() + anchors.intermediates)
            let chain = try cache.chain(path: path.map(\.der), anchors: anchors.roots, at: date)
            guard chain.leaf.publicKeyDER == key.spki else { throw Self.otherKey }
            return chain
        } catch {
            throw VerificationError(
                code: error.code == "malformed_certificate" ? "malformed_evidence" : error.code,
                message: "The certificate of the TPM's attestation key is refused. \(error.message)")
        }
    }

    private static let otherKey = X509Error(
        code: "key_not_bound", message: "It certifies another key than the one that signed.")

    /// The certificates from `leaf` to a root by the names that they state; verifying finds out whether they are right.
    private func path(from leaf: Certificate, over issuers: [Certificate]) -> [Certificate] {
        var path = [leaf]
        var left = issuers
        while let last = path.last, path.count < 10 {
            if let root = anchors.roots.first(where: {
                $0.certificate.subject == last.issuer && signed(last, by: $0.certificate)
            }) {
                return path + [root.certificate]
            }
            guard let index = left.firstIndex(where: { $0.subject == last.issuer && signed(last, by: $0) }) else {
                return path
            }
            path.append(left.remove(at: index))
        }
        return path
    }

    private func signed(_ certificate: Certificate, by issuer: Certificate) -> Bool {
        guard let key = try? issuer.publicKey else { return false }
        return certificate.isSigned(by: key)
    }
}
