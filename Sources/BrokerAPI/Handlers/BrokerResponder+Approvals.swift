import Broker
import Encodings
import KBSProtocol

/// The routes of people who approve releases.
extension BrokerResponder {
    /// `POST` of `{"resource": "a/b/c", "policy": …, "policyDigest": …, "instance": …, "expires": "<RFC 3339>",
    /// "reason": …}`, of which only `resource` must be there. Whose approval it is says the admin token and nothing else.
    func approve(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let request = try object(exchange.body, "ApprovalError")
        for (name, value) in request {
            guard ["resource", "policy", "policyDigest", "instance", "expires", "reason"].contains(name),
                value.stringValue != nil
            else {
                throw BrokerError(
                    kind: .malformed, variant: "ApprovalError", code: "malformed_message",
                    message: "The member \(name.prefix(64)) is not known, or no text")
            }
        }
        guard let path = request["resource"]?.stringValue.flatMap({ try? ResourcePath($0) }) else {
            throw BrokerError(
                kind: .malformed, variant: "ApprovalError", code: "malformed_message",
                message: "`resource` must name a resource as repository/type/tag")
        }
        let approval = ApprovalRequest(
            path: path, policy: request["policy"]?.stringValue, policyDigest: request["policyDigest"]?.stringValue,
            instance: request["instance"]?.stringValue, expires: request["expires"]?.stringValue,
            reason: request["reason"]?.stringValue ?? "")
        return .json(try await broker.approve(approval, by: try person(exchange)))
    }

    func listApprovals(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let standing = try exchange.flag("standing") ?? false
        return .json(try await broker.approvalList(path: exchange.query["path"], standing: standing))
    }

    func revokeApproval(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        try await broker.revokeApproval(exchange.parameter("id"), by: try person(exchange))
        return .empty
    }

    /// Who asks. Tokens that name nobody may belong to anybody, and to several people at once.
    private func person(_ exchange: Exchange) throws(BrokerError) -> Administrator {
        guard let principal = exchange.principal, principal.subject != AdminPrincipal.unnamed,
            !principal.subject.isEmpty
        else {
            throw BrokerError(
                kind: .denied, variant: "ApprovalError", code: "nobody_named",
                message: "The admin token names no subject; approvals are given by people")
        }
        return principal.administrator
    }
}
