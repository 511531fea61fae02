import AdminClient
import ArgumentParser
import Controller
import Encodings
import FoundationEssentials
import Glibc
import Logging
import ServiceLifecycle
import Telemetry

/// The controller as a program.
@main
struct ControllerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "claviger-controller",
        abstract: "Keeps a broker's policies and secrets as a cluster's objects, or a folder's files, say.",
        discussion: """
            Without --policies it watches the kinds of the API group claviger.dev, in the cluster whose service account it \
            runs under or that --kubeconfig names. With --policies it applies a folder of YAML files, which may be a \
            mounted ConfigMap or a Git checkout that something else keeps fresh; a folder with one broken file changes \
            nothing. Exit status with --once: 0 done, 1 refused or invalid, 3 broker unreachable.
            """,
        version: Release.version, subcommands: [InjectionPolicyCommand.self])

    @OptionGroup(title: "Broker")
    var broker: BrokerOptions

    @OptionGroup(title: "Cluster")
    var cluster: ClusterOptions

    @OptionGroup(title: "Admission")
    var admission: AdmissionOptions

    @OptionGroup(title: "Folder")
    var folder: FolderOptions

    @Option(name: .long, help: "Lowest level of log entries.")
    var logLevel = "info"

    func validate() throws {
        guard Logger.Level(rawValue: logLevel) != nil else { throw ValidationError("\(logLevel) is no log level.") }
    }

    func run() async throws {
        // Where it is set, libcurl writes the keys of its TLS sessions to that file.
        unsetenv("SSLKEYLOGFILE")
        let registry = MetricsRegistry(descriptions: ControllerMetrics.descriptions)
        Telemetry.bootstrap(level: Logger.Level(rawValue: logLevel) ?? .info, metrics: registry)
        let logger = Logger(label: "claviger-controller")
        let client = try broker.client(logger)
        if let path = folder.policies {
            try await folder.run(path, client, logger)
        } else {
            try await cluster.run(client, admission: admission, registry, logger)
        }
    }
}
