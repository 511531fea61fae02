public import FoundationEssentials

/// What revocation lists say about a certificate.
public enum RevocationStatus: Sendable, Hashable {
    /// A list of its issuer that counts does not name it.
    case good(nextUpdate: Date, isWithinGrace: Bool)
    /// A list of its issuer names it.
    case revoked(since: Date)
    /// No list of its issuer counts.
    case unknown(UnknownReason)

    /// Why nothing is known.
    public enum UnknownReason: String, Sendable, Hashable {
        /// There is no list that the issuer made and signed.
        case noList = "no_list"
        /// The next list is overdue.
        case stale
        /// The list was made later than now.
        case future
        /// The list does not say when the next one is due.
        case unbounded
    }

    /// A word for claims: `good`, `within_grace`, `revoked`, `no_list`, `stale`, `future` or `unbounded`.
    public var word: String {
        switch self {
        case .good(_, isWithinGrace: false): "good"
        case .good(_, isWithinGrace: true): "within_grace"
        case .revoked: "revoked"
        case .unknown(let reason): reason.rawValue
        }
    }
}
