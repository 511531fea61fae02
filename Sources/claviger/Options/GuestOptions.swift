import ArgumentParser
import FoundationEssentials
import Guest

/// How this machine attests.
struct GuestOptions: ParsableArguments {
    @Flag(help: "Attest with sample evidence, which proves nothing; for brokers that accept it.")
    var allowSample = false

    @Option(help: "The init-data document (TOML) as the hardware measured it.")
    var initData: String?

    /// A client that attests this machine to the broker.
    func client(_ broker: BrokerOptions) throws -> KBSClient {
        let endpoint = try broker.endpoint()
        guard endpoint.unixSocket == nil else {
            throw CommandFailure("attestation goes to an https:// address, not over a Unix socket")
        }
        let configuration = KBSClientConfiguration(
            url: endpoint.url, trustAnchorsPEM: try endpoint.trustAnchors(),
            insecureHTTPAllowed: endpoint.plainHTTPAllowed,
            initData: try initData.map { try InputFile.text($0, limit: 1 << 20) })
        let settings = settings(ProcessInfo.processInfo.environment)
        return try KBSClient(configuration, attester: AttesterDetection.attester(settings))
    }

    /// Which attester may be used. Its evidence has the events that an agent of this guest measured: without them no log
    /// leads to the registers.
    func settings(_ environment: [String: String]) -> AttesterSettings {
        let events = LoggedEvents(environment["AAEL_PATH"] ?? RuntimeMeasurements.usualPath)
        return AttesterSettings(allowSample: allowSample, environment: environment, agentEvents: events.entries)
    }
}
