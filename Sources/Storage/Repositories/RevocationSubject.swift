/// What can be revoked.
public enum RevocationSubject: Sendable, Hashable {
    /// An attestation token, by its `jti`.
    case token(String)
    /// A TEE key, by its RFC 7638 thumbprint (base64url).
    case teeKey(String)
    /// Anything else that the caller gives a name.
    case other(String)

    /// The subject as it is stored: the kind, a colon and the name.
    public var text: String {
        switch self {
        case .token(let id): "token:\(id)"
        case .teeKey(let thumbprint): "tee-key:\(thumbprint)"
        case .other(let name): "other:\(name)"
        }
    }

    /// Reads the stored form; nil if it has no known kind.
    public init?(text: String) {
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2 else { return nil }
        switch parts[0] {
        case "token": self = .token(parts[1])
        case "tee-key": self = .teeKey(parts[1])
        case "other": self = .other(parts[1])
        default: return nil
        }
    }
}
