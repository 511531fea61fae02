import Encodings
import JOSE
import Policy
import Storage

/// A signed bundle that is in force.
struct AppliedBundle: Sendable {
    let name: String
    let serial: Int64
    let digest: String
    let documents: Int
    /// Who signed it, of the keys that are trusted now; empty when nobody asks for signatures.
    let signers: [DetachedSigner]
    let stored: StoredPolicyBundle

    func json() -> JSONValue {
        [
            "name": .string(name), "serial": .int(serial), "digest": .string(digest),
            "documents": .int(Int64(documents)),
            "signers": .array(
                signers.map { signer in
                    [
                        "keyId": .string(signer.keyID), "thumbprint": .string(signer.thumbprint),
                        "algorithm": .string(signer.algorithm.rawValue),
                    ]
                }),
            "generation": .int(stored.generation), "updatedAt": .string(stored.updatedAt.rfc3339),
            "updatedBy": .string(stored.updatedBy),
        ]
    }
}

/// A stored bundle whose signatures were checked again.
struct VerifiedBundle {
    let applied: AppliedBundle
    let documents: [PolicyDocument]

    /// Throws ``PolicyLoadFailure`` when the row is not the bundle that it says it is, or lacks a signature.
    ///
    /// - Parameter anyName: Takes bundles also of names that are not taken here any more.
    init(
        _ stored: StoredPolicyBundle, _ signatures: PolicySignatures, anyName: Bool = false
    ) throws(PolicyLoadFailure) {
        do throws(PolicyBundleError) {
            let bundle = try SignedPolicyBundle(parsing: Array(stored.content.text.utf8))
            let signers = try signatures.signers(of: bundle, anyName: anyName)
            let content = bundle.content
            guard content.name == stored.name, content.serial == stored.content.serial,
                content.digest == stored.content.digest
            else { throw PolicyBundleError(code: "bundle_malformed", message: "It is stored under another name.") }
            documents = content.documents
            applied = AppliedBundle(
                name: content.name, serial: content.serial, digest: content.digest, documents: documents.count,
                signers: signers, stored: stored)
        } catch {
            throw PolicyLoadFailure(.unsigned, "\(stored.name): \(error.code): \(error.message)")
        }
    }
}
