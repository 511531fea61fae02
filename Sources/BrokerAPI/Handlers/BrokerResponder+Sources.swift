import Broker

/// Routes for those who keep the broker at what somebody else's store says, such as a cluster's controller.
extension BrokerResponder {
    func setSourcePolicies(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let request = try SourceRequest(source: exchange.parameter("source"), body: exchange.body)
        let dryRun = try exchange.flag("dryRun") ?? false
        return .json(try await broker.setSourcePolicies(request, dryRun: dryRun, by: exchange.author))
    }

    func deleteSource(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        try await broker.deleteSource(exchange.parameter("source"), by: exchange.author)
        return .empty
    }
}
