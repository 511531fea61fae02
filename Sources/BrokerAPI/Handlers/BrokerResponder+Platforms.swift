import Broker
import Encodings

/// The routes about what is remembered of machines.
extension BrokerResponder {
    /// `GET` with `after` and `limit`, of which none must be there.
    func listPlatforms(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let page = Broker.platformPage
        let limit = try exchange.number("limit", in: 1...page, default: page)
        return .json(try await broker.platformList(after: exchange.query["after"] ?? "", limit: limit))
    }

    /// `POST` of `{"platform": "<64 hex digits>", "reason": …}`.
    func forgetPlatform(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let request = try object(exchange.body, "PlatformError")
        guard request.count == 2, let platform = request["platform"]?.stringValue,
            let reason = request["reason"]?.stringValue
        else {
            throw BrokerError(
                kind: .malformed, variant: "PlatformError", code: "malformed_message",
                message: "`platform` and `reason` must be there as texts, and nothing else")
        }
        return .json(try await broker.forgetPlatform(platform, reason: reason, by: exchange.author))
    }
}
