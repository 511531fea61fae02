import Encodings

extension AdminClient {
    /// The broker's token-signing keys, without their private halves.
    ///
    /// - Throws: `AdminClientError`.
    public func signingKeys() async throws(AdminClientError) -> [JSONObject] {
        try await list(RequestTarget("/claviger/v1/keys"), member: "keys")
    }

    /// Makes a new signing key; the old one verifies tokens until they have run out.
    ///
    /// - Throws: `AdminClientError`.
    public func rotateSigningKey() async throws(AdminClientError) -> JSONValue {
        try await json("POST", RequestTarget("/claviger/v1/keys/rotate"))
    }

    /// What can be revoked.
    public enum RevocationTarget: Sendable, Hashable {
        /// An attestation token with its session, by its `jti`.
        case token(String)
        /// A TEE key with everything that was attested with it, by its RFC 7638 thumbprint.
        case teeKey(String)
        /// An owner of ESM blobs, by SHA-256 of the key's SubjectPublicKeyInfo (hex).
        case esmOwner(String)
        /// A machine that opens ESM blobs, by the fingerprint of its key (hex).
        case esmMachine(String)
        /// An ESM blob, by its SHA-256 (hex).
        case esmBlob(String)
    }

    /// Refuses a token or a TEE key from the next request on.
    ///
    /// - Throws: `AdminClientError`.
    public func revoke(_ target: RevocationTarget, reason: String) async throws(AdminClientError) {
        var body: JSONObject
        switch target {
        case .token(let id): body = ["token": .string(id)]
        case .teeKey(let thumbprint): body = ["teeKey": .string(thumbprint)]
        case .esmOwner(let digest): body = ["esmOwner": .string(digest)]
        case .esmMachine(let digest): body = ["esmMachine": .string(digest)]
        case .esmBlob(let digest): body = ["esmBlob": .string(digest)]
        }
        body["reason"] = .string(reason)
        _ = try await send(
            "POST", RequestTarget("/claviger/v1/revocations"), body: body.serialized(), contentType: "application/json")
    }

    /// Who the broker takes this client for.
    ///
    /// - Throws: `AdminClientError`.
    public func identity() async throws(AdminClientError) -> JSONValue {
        try await json("GET", RequestTarget("/claviger/v1/whoami"))
    }
}
