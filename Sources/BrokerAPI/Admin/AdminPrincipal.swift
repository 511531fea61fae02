import Broker
import FoundationEssentials

/// Somebody who showed a valid admin token.
struct AdminPrincipal: Sendable, Hashable {
    /// The subject of whoever has a token without one.
    static let unnamed = "unnamed"

    let issuer: String
    let subject: String
    let role: String
    /// The pod that the token is bound to, for tokens of a cluster.
    let workload: String?
    let expiresAt: Date
    /// What a token for one request is known by; nil for one that counts until it ends.
    var singleUse: String?

    var administrator: Administrator { Administrator(issuer: issuer, subject: subject, role: role) }

    /// How changes are signed in the history: who, vouched for by whom, in which role and, for tokens of a cluster, in which pod.
    var recordedName: String { administrator.recordedName + (workload.map { " in \($0)" } ?? "") }
}
