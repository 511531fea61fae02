import Broker

/// The routes about signed manifests of reference values.
extension BrokerResponder {
    /// `POST` of a manifest as it was signed; with `dryRun=true` nothing is stored.
    func importReferenceManifest(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let dryRun = try exchange.flag("dryRun") ?? false
        return .json(try await broker.importReferenceManifest(exchange.body, dryRun: dryRun, by: exchange.author))
    }

    /// `GET` with `limit`: the measurements that guests showed, the newest first.
    func listMeasurements(_ exchange: Exchange) async throws(BrokerError) -> Answer {
        let most = Broker.maximumMeasurements
        return .json(try await broker.measurementList(limit: try exchange.number("limit", in: 1...most, default: most)))
    }
}
