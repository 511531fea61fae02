import Broker
import Encodings

/// The routes about collateral.
extension BrokerResponder {
    /// `GET` with `prefix`, `after` and `limit`, of which none must be there.
    func collateralStatus(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let page = Broker.collateralPage
        let limit = try exchange.number("limit", in: 1...page, default: page)
        return .json(
            try await broker.collateralStatus(
                prefix: exchange.query["prefix"] ?? "", after: exchange.query["after"] ?? "", limit: limit))
    }

    /// `POST` of `{"name": "intel/crl/root"}`.
    func fetchCollateral(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let request = try object(exchange.body, "CollateralError")
        guard request.count == 1, let name = request["name"]?.stringValue else {
            throw BrokerError(
                kind: .malformed, variant: "CollateralError", code: "malformed_message",
                message: "`name` must name a piece of collateral, and nothing else may be there")
        }
        return .json(try await broker.fetchCollateral(name, by: exchange.author))
    }
}
