import AdminClient
import ArgumentParser
import Controller
import Encodings
import FoundationEssentials
import Logging
import ServiceLifecycle
import Telemetry

/// The controller as a program.
@main
struct ControllerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "claviger-controller",
        abstract: "Keeps a broker's policies as a folder of YAML files says.",
        discussion: """
            The folder may be a mounted ConfigMap or a Git checkout that something else keeps fresh. A folder with one \
            broken file changes nothing. Exit status with --once: 0 done, 1 refused or invalid, 3 broker unreachable.
            """)

    @Option(name: .long, help: "Folder with .yaml and .yml files.")
    var policies: String

    @Option(name: .long, help: "The broker's address. Environment: CLAVIGER_URL.")
    var url: String?

    @Option(name: .long, help: "Certificates (PEM) that the broker's must lead to. Environment: CLAVIGER_CA.")
    var ca: String?

    @Option(
        name: .long, help: "File with the admin token, read anew for each request. Environment: CLAVIGER_TOKEN_FILE.")
    var tokenFile: String?

    @Option(name: .long, help: "Seconds between two passes.")
    var interval: Int = 15

    @Flag(name: .long, help: "Remove policies that the folder does not have.")
    var prune = false

    @Flag(name: .long, help: "Make one pass and end.")
    var once = false

    @Option(name: .long, help: "Lowest level of log entries.")
    var logLevel = "info"

    func validate() throws {
        guard interval > 0 else { throw ValidationError("--interval takes whole seconds above 0.") }
        guard Logger.Level(rawValue: logLevel) != nil else { throw ValidationError("\(logLevel) is no log level.") }
    }

    func run() async throws {
        Telemetry.bootstrap(level: Logger.Level(rawValue: logLevel) ?? .info, metrics: MetricsRegistry())
        let logger = Logger(label: "claviger-controller")
        let reconciler = PolicyReconciler(folder: PolicyFolder(path: policies), client: try client(), prune: prune)
        if once {
            do throws(ControllerError) {
                let outcome = try await reconciler.reconcile()
                print(
                    "\(outcome.applied.count) applied, \(outcome.pruned.count) pruned, \(outcome.unchanged) unchanged")
            } catch {
                logger.error(
                    "reconciliation failed", metadata: ["code": "\(error.code)", "reason": "\(error.message)"])
                throw ExitCode(error.code == "unavailable" ? 3 : 1)
            }
            return
        }
        let loop = ReconcileLoop(reconciler: reconciler, interval: .seconds(interval), logger: logger)
        try await ServiceGroup(services: [loop], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
    }

    private func client() throws -> AdminClient {
        let environment = ProcessInfo.processInfo.environment
        guard let url = url ?? environment["CLAVIGER_URL"] else {
            throw ValidationError("Name the broker with --url or CLAVIGER_URL.")
        }
        var configuration = AdminClient.Configuration(url: url)
        if let file = ca ?? environment["CLAVIGER_CA"] {
            do throws(BoundedFileError) {
                configuration.trustAnchorsPEM = try BoundedFile.text(file, limit: 1_048_576)
            } catch {
                throw ValidationError(error.message)
            }
        }
        configuration.tokenFile = tokenFile ?? environment["CLAVIGER_TOKEN_FILE"]
        return try AdminClient(configuration)
    }
}
