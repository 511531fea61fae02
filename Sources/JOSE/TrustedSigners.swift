import Encodings

/// Who signed something.
public struct DetachedSigner: Sendable, Hashable {
    /// The `kid` under which the key was named.
    public let keyID: String
    /// The RFC 7638 thumbprint of the key: SHA-256, base64url.
    public let thumbprint: String
    /// The algorithm of the signature.
    public let algorithm: SignatureAlgorithm
}

/// Public keys whose detached signatures (RFC 7515 appendix F) on documents of an operator count, and how many of them a
/// document needs.
public struct TrustedSigners: Sendable {
    /// The algorithms that a signature may have.
    public static let algorithms: Set<SignatureAlgorithm> = [.es256, .es384, .es512, .edDSA]

    /// The keys.
    public let keys: [VerificationKey]
    /// How many different keys must have signed.
    public let threshold: Int

    /// Keys and how many of them a document needs.
    ///
    /// Throws ``JOSEError`` with code `invalid_key` for a key that cannot sign so, and when there are fewer keys than are
    /// needed.
    public init(_ keys: [VerificationKey], threshold: Int = 1) throws(JOSEError) {
        guard keys.allSatisfy({ !$0.algorithms.isDisjoint(with: Self.algorithms) }) else {
            throw .invalidKey("The keys of signers are EC keys on a NIST curve or Ed25519 keys.")
        }
        guard threshold >= 1, Set(keys.map(\.thumbprint)).count >= threshold else {
            throw .invalidKey("There are fewer different keys than signatures are needed.")
        }
        self.keys = keys
        self.threshold = threshold
    }

    /// The public keys of a file: one in PEM (SubjectPublicKeyInfo), a JWK (RFC 7517) or a JWK set.
    ///
    /// Throws ``JOSEError``; a set with one unusable key is refused as a whole.
    public static func keys(inFile bytes: [UInt8]) throws(JOSEError) -> [VerificationKey] {
        guard bytes.first(where: { $0 > 0x20 }) == UInt8(ascii: "{") else {
            return [try VerificationKey(pem: String(decoding: bytes, as: UTF8.self))]
        }
        guard let object = try? JSONObject(parsing: bytes) else {
            throw .malformed("The key is not acceptable JSON")
        }
        guard object.contains("keys") else { return [try VerificationKey(jwk: object)] }
        let set = try JWKSet(json: bytes)
        if let refusal = set.keys.lazy.compactMap(\.refusal).first { throw refusal }
        return set.usableKeys
    }

    /// Signs a payload for ``signers(of:signatures:type:)``.
    ///
    /// - Parameters:
    ///   - type: The header's `typ`: a signature for anything else is never taken for one of this type.
    ///   - keyID: The header's `kid`; by default the RFC 7638 thumbprint of the key.
    /// - Throws: ``JOSEError``.
    public static func sign(
        _ payload: [UInt8], type: String, with key: SigningKey, keyID: String? = nil
    ) throws(JOSEError) -> String {
        let header: JSONObject = [
            "alg": .string(key.algorithm.rawValue), "kid": .string(keyID ?? key.verificationKey.thumbprint),
            "typ": .string(type),
        ]
        return try JWS.signDetached(header: header, payload: payload, with: key)
    }

    /// Who signed a payload, each key once, when that is enough.
    ///
    /// Signatures that name other keys are passed over: a document may be meant for several readers. One that names a
    /// trusted key and does not fit refuses the document. Throws ``JOSEError`` with code `unsigned`, `unknown_signer`,
    /// `invalid_signature`, `too_few_signers`, or `malformed` for a signature that is none.
    public func signers(
        of payload: [UInt8], signatures: [String], type: String
    ) throws(JOSEError) -> [DetachedSigner] {
        guard !signatures.isEmpty else { throw JOSEError(code: "unsigned", message: "There is no signature.") }
        var signers: [DetachedSigner] = []
        for text in signatures {
            guard let signer = try signer(text, of: payload, type: type) else { continue }
            if !signers.contains(where: { $0.thumbprint == signer.thumbprint }) { signers.append(signer) }
        }
        guard !signers.isEmpty else {
            throw JOSEError(code: "unknown_signer", message: "No signature is by a trusted key.")
        }
        guard signers.count >= threshold else {
            throw JOSEError(
                code: "too_few_signers", message: "There are \(signers.count) of \(threshold) signatures.")
        }
        return signers
    }

    private func signer(_ text: String, of payload: [UInt8], type: String) throws(JOSEError) -> DetachedSigner? {
        let signature = try JWS(detached: text, payload: payload)
        let header = signature.header
        // A key or a place of one in the header is an offer to be fooled.
        guard header["typ"] == .string(type), let keyID = header["kid"]?.stringValue,
            !["jwk", "jku", "x5c", "x5u"].contains(where: header.contains)
        else { throw .malformed("A signature has the headers alg, kid and typ (\(type)), and no key.") }
        let named = keys.filter { $0.thumbprint == keyID || $0.keyID == keyID }
        guard !named.isEmpty else { return nil }
        guard Self.algorithms.contains(signature.algorithm),
            let key = named.first(where: { (try? signature.verify(with: $0)) != nil })
        else {
            throw JOSEError(
                code: "invalid_signature", message: "A signature does not fit the content and the key \(keyID).")
        }
        return DetachedSigner(keyID: keyID, thumbprint: key.thumbprint, algorithm: signature.algorithm)
    }
}
