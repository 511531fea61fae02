import FoundationEssentials

/// Somebody who showed a valid admin token.
struct AdminPrincipal: Sendable, Hashable {
    let issuer: String
    let subject: String
    let role: String
    let expiresAt: Date

    /// How changes are signed in the history: who, vouched for by whom, in which role.
    var recordedName: String { "\(subject)@\(issuer) (\(role))" }
}
