import Encodings
package import RATS
import X509Trust

/// AMD's root and signing key of each generation that is trusted.
public struct SEVAuthorities: Sendable, Hashable {
    struct Pair: Sendable, Hashable {
        let root: SEVAuthorityCertificate
        let signer: SEVAuthorityCertificate
    }

    let pairs: [SEVGeneration: Pair]

    /// AMD's own, each root pinned by its fingerprint.
    public static let amd = SEVAuthorities(embedded: [
        .naples: (
            PackageResources.sev_naples_ark_cert, PackageResources.sev_naples_ask_cert,
            "dedabca561e1dece8cc00b7bda864cf5f20b95017864408cfe18eaee0dce24b9"
        ),
        .rome: (
            PackageResources.sev_rome_ark_cert, PackageResources.sev_rome_ask_cert,
            "865977b268c16d5b27772b00aaefb4e737ba9499e818ed8e9f65b0cecefbc529"
        ),
        .milan: (
            PackageResources.sev_milan_ark_cert, PackageResources.sev_milan_ask_cert,
            "1246469862b78a7a8625579b0378d1f8e975eb8b82a1623b579d7968a5969888"
        ),
        .genoa: (
            PackageResources.sev_genoa_ark_cert, PackageResources.sev_genoa_ask_cert,
            "8f4e3fd36589c23f1fe0c8338465bac7e2e066d97fc92f228bbee4fd356fb674"
        ),
        .turin: (
            PackageResources.sev_turin_ark_cert, PackageResources.sev_turin_ask_cert,
            "f6405e5096a6eee1eb7d5df75c49f9b9f7c8357a31c7fff150149d68588a7bf7"
        ),
    ])

    /// The roots that are trusted in place of AMD's, with the signing keys under them; for tests, which have roots of their
    /// own.
    ///
    /// Throws `malformed_evidence` and `chain_not_trusted`.
    package init(_ certificates: [SEVGeneration: (root: [UInt8], signer: [UInt8])]) throws(VerificationError) {
        var pairs: [SEVGeneration: Pair] = [:]
        for (generation, pair) in certificates {
            pairs[generation] = try Self.pair(root: pair.root, signer: pair.signer)
        }
        self.pairs = pairs
    }

    private init(embedded: [SEVGeneration: (root: [UInt8], signer: [UInt8], fingerprint: String)]) {
        pairs = embedded.compactMapValues { item in
            guard let digest = try? DigestAlgorithm.sha256.hash(item.root), Hex.encode(digest) == item.fingerprint
            else { return nil }
            return try? Self.pair(root: item.root, signer: item.signer)
        }
    }

    private static func pair(root: [UInt8], signer: [UInt8]) throws(VerificationError) -> Pair {
        let root = try SEVAuthorityCertificate(parsing: root, "The root's certificate (ARK)")
        guard root.usage == SEVKeyUsage.root.rawValue, root.isIssued(by: root) else {
            throw .untrustedSEV("The root (ARK) did not sign itself.")
        }
        return Pair(root: root, signer: try self.signer(signer, under: root))
    }

    private static func signer(
        _ bytes: [UInt8], under root: SEVAuthorityCertificate
    ) throws(VerificationError) -> SEVAuthorityCertificate {
        let signer = try SEVAuthorityCertificate(parsing: bytes, "The signing key's certificate (ASK)")
        guard signer.usage == SEVKeyUsage.signing.rawValue, signer.isIssued(by: root) else {
            throw .untrustedSEV("The signing key (ASK) is not one of the root's.")
        }
        return signer
    }

    /// The generation whose pinned root somebody brought along, with the signing key that came with it.
    ///
    /// Throws `malformed_evidence`, and `chain_not_trusted` for every other root and what it signed.
    package func pair(
        presentedRoot root: [UInt8], signer: [UInt8]
    ) throws(VerificationError) -> (generation: SEVGeneration, signer: SEVAuthorityCertificate) {
        // Read first, so that a root that is cut off is told from one that is not AMD's.
        _ = try SEVAuthorityCertificate(parsing: root, "The root's certificate (ARK)")
        guard let (generation, known) = pairs.first(where: { $0.value.root.bytes == root }) else {
            throw .untrustedSEV("The root (ARK) is not one that is pinned.")
        }
        guard signer != known.signer.bytes else { return (generation, known.signer) }
        return (generation, try Self.signer(signer, under: known.root))
    }
}

extension VerificationError {
    static func untrustedSEV(_ reason: String) -> VerificationError {
        VerificationError(code: "chain_not_trusted", message: "The platform's certificates are refused. \(reason)")
    }
}
