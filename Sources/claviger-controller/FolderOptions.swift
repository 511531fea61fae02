import AdminClient
import ArgumentParser
import Controller
import Logging
import ServiceLifecycle

/// Policies from a folder in place of a cluster.
struct FolderOptions: ParsableArguments {
    @Option(name: .long, help: "Folder with .yaml and .yml files, and signed bundles in .json files.")
    var policies: String?

    @Option(name: .long, help: "Seconds between two passes.")
    var interval: Int = 15

    @Flag(name: .long, help: "Remove policies that the folder does not have.")
    var prune = false

    @Flag(name: .long, help: "Make one pass and end.")
    var once = false

    func validate() throws {
        guard interval > 0 else { throw ValidationError("--interval takes whole seconds above 0.") }
        guard policies != nil || !prune && !once else {
            throw ValidationError("--prune and --once go with --policies.")
        }
    }

    func run(_ path: String, _ client: AdminClient, _ logger: Logger) async throws {
        let reconciler = PolicyReconciler(folder: PolicyFolder(path: path), client: client, prune: prune)
        guard once else {
            let loop = ReconcileLoop(reconciler: reconciler, interval: .seconds(interval), logger: logger)
            try await ServiceGroup(services: [loop], gracefulShutdownSignals: [.sigterm, .sigint], logger: logger).run()
            return
        }
        do throws(ControllerError) {
            let outcome = try await reconciler.reconcile()
            print("\(outcome.applied.count) applied, \(outcome.pruned.count) pruned, \(outcome.unchanged) unchanged")
        } catch {
            logger.error("reconciliation failed", metadata: ["code": "\(error.code)", "reason": "\(error.message)"])
            throw ExitCode(error.code == "unavailable" ? 3 : 1)
        }
    }
}
