public import RATS

/// What `/auth` fixed for a session; nothing in the body of `/attest` can change it.
public struct SessionParameters: Sendable, Hashable {
    /// The protocol version that decides how the attestation is read.
    public let version: ProtocolVersion
    /// The kind of the primary evidence.
    public let tee: TEE
    /// The nonce that the session was given.
    public let nonce: String
    /// The hash algorithm that binds evidence: SHA-512 for IBM Secure Execution, otherwise SHA-384.
    public let hash: HashAlgorithm
    /// Whether the concatenated binding of the oldest guests is accepted in a 0.1.0 session.
    public let concatenatedBinding: Bool

    /// The parameters of a session; `hash` is the usual algorithm of `tee` unless given.
    public init(
        version: ProtocolVersion, tee: TEE, nonce: String, hash: HashAlgorithm? = nil,
        concatenatedBinding: Bool = false
    ) {
        self.version = version
        self.tee = tee
        self.nonce = nonce
        self.hash = hash ?? (tee == .se ? .sha512 : .sha384)
        self.concatenatedBinding = concatenatedBinding
    }
}
