import ArgumentParser
import BrokerAPI
import Logging
import ServiceLifecycle
import Telemetry

struct DevCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dev", abstract: "Run a whole broker on this machine, for development.",
        discussion: """
            Starts a private PostgreSQL on a Unix socket (as an unprivileged user when started by root) and the broker \
            with TLS from a fresh certification authority, and believes sample evidence. Everything is kept in the data \
            folder; the other commands find the broker through it. SIGINT or SIGTERM ends it.
            """)

    @Option(help: "The data folder (default: CLAVIGER_HOME, or ~/.claviger, for root /var/lib/claviger).")
    var data: String?

    @Flag(help: "Keep everything in a temporary folder that is removed at the end.")
    var ephemeral = false

    @Option(help: "The port on 127.0.0.1; 0 takes a free one.")
    var port: UInt16 = 8080

    @Option(help: "A file to write (JSON: url, caFile, tokenFile, home) once the broker serves; removed at the end.")
    var readyFile: String?

    @Option(help: "Lowest level of log entries on standard error.")
    var logLevel = "warning"

    func validate() throws {
        if ephemeral, data != nil { throw ValidationError("--ephemeral has a folder of its own; leave out --data") }
        if Logger.Level(rawValue: logLevel) == nil { throw ValidationError("\(logLevel) is no log level") }
    }

    func run() async throws {
        try LocalPort.requireFree(port)
        let metrics = MetricsRegistry(descriptions: BrokerServer.metricDescriptions)
        Telemetry.bootstrap(level: Logger.Level(rawValue: logLevel) ?? .warning, metrics: metrics)
        let logger = Logger(label: "claviger-dev")
        let folder = try DevFolder(path: data, ephemeral: ephemeral)
        defer { folder.cleanUp(readyFile: readyFile) }
        try folder.prepare()
        let broker = DevelopmentBroker(
            folder: folder, port: Int(port), readyFile: readyFile, logger: logger, metrics: metrics)
        let group = ServiceGroup(
            configuration: .init(
                services: [.init(service: broker, successTerminationBehavior: .gracefullyShutdownGroup)],
                gracefulShutdownSignals: [.sigint, .sigterm], logger: logger))
        try await group.run()
    }
}
