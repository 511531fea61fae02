import ArgumentParser
import Broker
import BrokerAPI
import FoundationEssentials
import Logging
import ServiceLifecycle
import Telemetry

/// The broker as a program.
@main
struct BrokerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "claviger-broker",
        abstract: "Releases keys to attested confidential workloads, as policies allow.",
        discussion: """
            Settings come from the configuration file; environment variables override it, and options override both. \
            Without an admin configuration nobody may administrate, and without policies nothing is released.
            """,
        version: Release.version, subcommands: [ProbeCommand.self, PoliciesCommand.self])

    @Option(name: .long, help: "Configuration file (YAML). Environment: CLAVIGER_CONFIG.")
    var config: String?

    @Option(
        name: .long,
        help:
            "File that holds the PostgreSQL connection string. Environment: CLAVIGER_DATABASE_URL_FILE, or CLAVIGER_DATABASE_URL for the string itself."
    )
    var databaseURLFile: String?

    @Option(name: .long, help: "File with the key-encryption keys. Environment: CLAVIGER_KEK_FILE.")
    var kekFile: String?

    @Option(name: .long, help: "Server certificate chain (PEM). Environment: CLAVIGER_TLS_CERT_FILE.")
    var tlsCert: String?

    @Option(name: .long, help: "Private key of the server certificate (PEM). Environment: CLAVIGER_TLS_KEY_FILE.")
    var tlsKey: String?

    @Option(
        name: .long, help: "Address to listen on, host:port; may be given several times. Environment: CLAVIGER_LISTEN.")
    var listen: [String] = []

    @Flag(name: .long, help: "Believe sample evidence, which anyone can make. For development only.")
    var allowSample = false

    @Flag(name: .long, help: "Serve without TLS. Only behind a proxy on the same host.")
    var insecurePlaintext = false

    @Option(name: .long, help: "Lowest level of log entries. Environment: CLAVIGER_LOG_LEVEL.")
    var logLevel: String?

    @Flag(name: .long, help: "Check the configuration and the files that it names, and stop; without the database.")
    var check = false

    func run() async throws {
        let settings: BrokerConfiguration
        do throws(ConfigurationError) {
            settings = try merged(with: ProcessInfo.processInfo.environment)
        } catch {
            throw Self.failure(error.message)
        }
        guard let level = Logger.Level(rawValue: settings.logLevel) else {
            throw Self.failure("logLevel: \(settings.logLevel) is no log level.")
        }
        let metrics = MetricsRegistry(descriptions: BrokerServer.metricDescriptions)
        Telemetry.bootstrap(level: level, metrics: metrics)
        let logger = Logger(label: "claviger-broker")
        do {
            if check {
                try Broker.check(settings)
                try BrokerServer.check(settings, logger: logger)
                return
            }
            let broker = try await Broker.open(settings, metrics: BrokerMetrics(factory: metrics), logger: logger)
            let server = try BrokerServer(configuration: settings, broker: broker, metrics: metrics, logger: logger)
            let group = ServiceGroup(
                configuration: .init(
                    services: [broker, server], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
            try await group.run()
        } catch let error as ConfigurationError {
            throw Self.failure(error.message)
        } catch let error as BrokerError {
            throw Self.failure(error.message)
        }
    }

    /// The file's settings, with those of the environment and of the options laid over them.
    private func merged(with environment: [String: String]) throws(ConfigurationError) -> BrokerConfiguration {
        var settings = try Self.settings(file: config, environment)
        if let path = databaseURLFile { settings.database.urlFile = path }
        if let path = kekFile { settings.keyEncryptionKeyFile = path }
        if let path = tlsCert ?? environment["CLAVIGER_TLS_CERT_FILE"] { settings.transport.certificateFile = path }
        if let path = tlsKey ?? environment["CLAVIGER_TLS_KEY_FILE"] { settings.transport.keyFile = path }
        if insecurePlaintext { settings.transport.insecurePlaintext = true }
        if allowSample { settings.attestation.allowSample = true }
        if let level = logLevel ?? environment["CLAVIGER_LOG_LEVEL"] { settings.logLevel = level }
        let addresses = listen.isEmpty ? environment["CLAVIGER_LISTEN"].map { [$0] } ?? [] : listen
        if !addresses.isEmpty { settings.listen = addresses }
        for address in settings.listen where ListenAddress(address) == nil {
            throw ConfigurationError(code: "invalid_value", message: "\(address) is no host:port to listen on.")
        }
        return settings
    }

    /// The file's settings, with what the environment says about the database and the keys laid over them.
    static func settings(
        file: String?, _ environment: [String: String]
    ) throws(ConfigurationError) -> BrokerConfiguration {
        var settings = BrokerConfiguration()
        if let path = file ?? environment["CLAVIGER_CONFIG"] {
            settings = try BrokerConfiguration(yaml: try ConfigurationFile.text(at: path), source: path)
        }
        if let url = environment["CLAVIGER_DATABASE_URL"] { settings.database.url = url }
        if let path = environment["CLAVIGER_DATABASE_URL_FILE"] { settings.database.urlFile = path }
        if let path = environment["CLAVIGER_KEK_FILE"] { settings.keyEncryptionKeyFile = path }
        return settings
    }

    private static func failure(_ message: String) -> StartupFailure {
        StartupFailure(message: message)
    }
}

/// A sentence for the operator and exit status 1.
struct StartupFailure: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
}
