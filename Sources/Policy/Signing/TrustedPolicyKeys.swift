import Encodings
public import JOSE

/// Who signed a policy bundle.
public struct PolicySigner: Sendable, Hashable {
    /// The `kid` under which the key was named.
    public let keyID: String
    /// The RFC 7638 thumbprint of the key: SHA-256, base64url.
    public let thumbprint: String
    /// The algorithm of the signature.
    public let algorithm: SignatureAlgorithm
}

/// The public keys whose signatures on policy bundles count, and how many of them a bundle needs.
public struct TrustedPolicyKeys: Sendable {
    /// The algorithms that a signature may have.
    public static let algorithms: Set<SignatureAlgorithm> = [.es256, .es384, .es512, .edDSA]

    /// The keys.
    public let keys: [VerificationKey]
    /// How many different keys must have signed.
    public let threshold: Int

    /// Keys and how many of them a bundle needs.
    ///
    /// Throws ``PolicyBundleError`` with code `unusable_key` for a key that cannot sign bundles, and when there are fewer
    /// keys than are needed.
    public init(_ keys: [VerificationKey], threshold: Int = 1) throws(PolicyBundleError) {
        guard keys.allSatisfy({ !$0.algorithms.isDisjoint(with: Self.algorithms) }) else {
            throw PolicyBundleError(
                code: "unusable_key", message: "Keys for policies are EC keys on a NIST curve or Ed25519 keys.")
        }
        guard threshold >= 1, Set(keys.map(\.thumbprint)).count >= threshold else {
            throw PolicyBundleError(
                code: "unusable_key", message: "There are fewer different keys than signatures are needed.")
        }
        self.keys = keys
        self.threshold = threshold
    }

    /// The public keys of a file: one in PEM (SubjectPublicKeyInfo), a JWK (RFC 7517) or a JWK set.
    ///
    /// Throws ``PolicyBundleError`` with code `unusable_key`; a set with one unusable key is refused as a whole.
    public static func keys(inFile bytes: [UInt8]) throws(PolicyBundleError) -> [VerificationKey] {
        do throws(JOSEError) {
            guard bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") else {
                return [try VerificationKey(pem: String(decoding: bytes, as: UTF8.self))]
            }
            guard let object = try? JSONObject(parsing: bytes) else {
                throw JOSEError(code: "malformed", message: "The key is not acceptable JSON")
            }
            guard object.contains("keys") else { return [try VerificationKey(jwk: object)] }
            let set = try JWKSet(json: bytes)
            if let refusal = set.keys.lazy.compactMap(\.refusal).first { throw refusal }
            return set.usableKeys
        } catch {
            throw PolicyBundleError(code: "unusable_key", message: "The key file cannot be used: \(error.message)")
        }
    }

    /// Who signed a bundle, each key once, when that is enough.
    ///
    /// Signatures that name other keys are passed over: a bundle may be meant for several brokers. One that names a trusted
    /// key and does not fit refuses the bundle. Throws ``PolicyBundleError``: `bundle_unsigned`, `unknown_signer`,
    /// `invalid_signature`, `too_few_signers`, or `bundle_malformed` for a signature that is none.
    public func signers(of bundle: SignedPolicyBundle) throws(PolicyBundleError) -> [PolicySigner] {
        guard !bundle.signatures.isEmpty else {
            throw PolicyBundleError(
                code: "bundle_unsigned", message: "The bundle \(bundle.content.name) has no signature.")
        }
        var signers: [PolicySigner] = []
        for text in bundle.signatures {
            guard let signer = try signer(text, of: bundle.content) else { continue }
            if !signers.contains(where: { $0.thumbprint == signer.thumbprint }) { signers.append(signer) }
        }
        guard !signers.isEmpty else {
            throw PolicyBundleError(
                code: "unknown_signer", message: "The bundle \(bundle.content.name) is signed by no trusted key.")
        }
        guard signers.count >= threshold else {
            throw PolicyBundleError(
                code: "too_few_signers",
                message:
                    "The bundle \(bundle.content.name) has \(signers.count) of \(threshold) signatures that it needs."
            )
        }
        return signers
    }

    private func signer(_ text: String, of content: PolicyBundleContent) throws(PolicyBundleError) -> PolicySigner? {
        let signature: JWS
        do throws(JOSEError) {
            signature = try JWS(detached: text, payload: content.canonical)
        } catch {
            throw .malformed("A signature of the bundle cannot be read: \(error.message)")
        }
        let header = signature.header
        // A key or a place of one in the header is an offer to be fooled.
        guard header["typ"] == .string(SignedPolicyBundle.signatureType), let keyID = header["kid"]?.stringValue,
            !["jwk", "jku", "x5c", "x5u"].contains(where: header.contains)
        else {
            throw .malformed(
                "A signature of a bundle has the headers alg, kid and typ (\(SignedPolicyBundle.signatureType)), and no key."
            )
        }
        let named = keys.filter { $0.thumbprint == keyID || $0.keyID == keyID }
        guard !named.isEmpty else { return nil }
        guard Self.algorithms.contains(signature.algorithm),
            let key = named.first(where: { (try? signature.verify(with: $0)) != nil })
        else {
            throw PolicyBundleError(
                code: "invalid_signature",
                message: "A signature of the bundle \(content.name) does not fit its content and the key \(keyID).")
        }
        return PolicySigner(keyID: keyID, thumbprint: key.thumbprint, algorithm: signature.algorithm)
    }
}
