import Broker
import Encodings
import KBSProtocol

extension BrokerResponder {
    /// `POST` of `{"policy": "ReleasePolicy/a/x", "instance": "<64 hex digits>", "reason": …, "resource": "a/b/c"}`, of which
    /// `resource` may be left out.
    func resetLimits(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let request = try object(exchange.body, "LimitError")
        for (name, value) in request {
            guard ["policy", "instance", "reason", "resource"].contains(name), value.stringValue != nil else {
                throw Self.refusedReset("The member \(name.prefix(64)) is not known, or no text")
            }
        }
        guard let policy = request["policy"]?.stringValue, let instance = request["instance"]?.stringValue,
            let reason = request["reason"]?.stringValue
        else { throw Self.refusedReset("`policy`, `instance` and `reason` must be there") }
        var path: ResourcePath?
        if let text = request["resource"]?.stringValue {
            // One that cannot be must not turn into all of them.
            guard let named = try? ResourcePath(text) else {
                throw Self.refusedReset("`resource` must name a resource as repository/type/tag")
            }
            path = named
        }
        let reset = LimitReset(policy: policy, instance: instance, path: path, reason: reason)
        return .json(try await broker.resetLimits(reset, by: exchange.author))
    }

    private static func refusedReset(_ message: String) -> BrokerError {
        BrokerError(kind: .malformed, variant: "LimitError", code: "malformed_message", message: message)
    }
}
