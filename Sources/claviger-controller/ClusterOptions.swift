import AdminClient
import ArgumentParser
import Controller
import Encodings
import FoundationEssentials
import Kubernetes
import Logging
import ServiceLifecycle
import Telemetry

/// Which cluster is watched, and how.
struct ClusterOptions: ParsableArguments {
    @Option(name: .long, help: "The name under which the broker keeps apart what comes from this cluster.")
    var source: String?

    @Option(name: .long, help: "Namespaces to watch, with commas between them. Default: all.")
    var namespaces: String?

    @Flag(
        inversion: .prefixedNo,
        help: "Watch kinds without a namespace, too. Default: yes, unless --namespaces is given.")
    var clusterKinds: Bool?

    @Option(name: .long, help: "A kubeconfig file. Default: the cluster whose service account the pod has.")
    var kubeconfig: String?

    @Option(name: .long, help: "The kubeconfig's context. Default: its current one.")
    var context: String?

    @Option(name: .long, help: "Namespace of the Lease by which replicas elect a leader. Default: the pod's.")
    var leaseNamespace: String?

    @Option(name: .long, help: "Name of that Lease.")
    var leaseName = "claviger-controller"

    @Option(name: .long, help: "HOST:PORT for /livez, /readyz, /startupz and /metrics.")
    var healthAddress = "0.0.0.0:8081"

    func run(
        _ client: AdminClient, admission: AdmissionOptions, _ metrics: MetricsRegistry, _ logger: Logger
    ) async throws {
        guard let source else {
            throw ValidationError("Name this cluster for the broker with --source, or a folder with --policies.")
        }
        let address = try Self.address(healthAddress, "health-address")
        let admission = try admission.settings(logger)
        do {
            let configuration = try configuration()
            let api = try KubernetesClient(configuration)
            let environment = ProcessInfo.processInfo.environment
            var settings = KubernetesSettings(
                source: source, leaseNamespace: leaseNamespace ?? configuration.namespace,
                candidate: environment["POD_NAME"] ?? environment["HOSTNAME"] ?? "claviger-controller")
            settings.leaseName = leaseName
            settings.namespaces = try namespaces.map(Self.names)
            settings.watchesClusterKinds = clusterKinds ?? (namespaces == nil)
            settings.admission = admission
            // Its requests are counted apart: a renewal never waits in line behind thousands of others.
            let controller = try KubernetesController(
                api: api, electionAPI: KubernetesClient(configuration), admissionAPI: KubernetesClient(configuration),
                broker: client, settings: settings, logger: logger)
            let probes = HealthServer(
                controller.health, metrics: metrics, host: address.host, port: address.port, logger: logger,
                onListening: { port in
                    logger.notice("listening", metadata: ["host": "\(address.host)", "port": "\(port)"])
                })
            // The last one ends first: probes are answered until the Lease is released, and webhooks as long as they are called.
            var services: [ServiceGroupConfiguration.ServiceConfiguration] = [.init(service: probes)]
            if let webhooks = controller.admission {
                services.append(.init(service: webhooks, failureTerminationBehavior: .gracefullyShutdownGroup))
            }
            services.append(.init(service: controller, failureTerminationBehavior: .gracefullyShutdownGroup))
            try await ServiceGroup(
                configuration: .init(
                    services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
            ).run()
        } catch let error as KubernetesError {
            logger.critical("the cluster cannot be used", metadata: ["reason": "\(error)"])
            throw ExitCode(1)
        } catch let error as ControllerError {
            logger.critical("the controller ends", metadata: ["code": "\(error.code)", "reason": "\(error.message)"])
            throw ExitCode(1)
        }
    }

    private func configuration() throws(KubernetesError) -> KubernetesConfiguration {
        let environment = ProcessInfo.processInfo.environment
        var configuration =
            if let kubeconfig {
                try KubernetesConfiguration.kubeconfig(files: [kubeconfig], context: context)
            } else {
                try KubernetesConfiguration.discovered(environment: environment, context: context)
            }
        // A thousand statuses in some ten seconds; the server's own fairness keeps others from waiting for that.
        configuration.requestsPerSecond = 100
        configuration.burst = 200
        return configuration
    }

    private static func names(_ text: String) throws -> [String] {
        let names = text.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
        guard names.allSatisfy({ !$0.isEmpty && !$0.contains(" ") }), Set(names).count == names.count else {
            throw ValidationError("--namespaces takes names with commas between them, each once.")
        }
        return names
    }

    static func address(_ text: String, _ option: String) throws -> (host: String, port: Int) {
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw ValidationError("--\(option) takes HOST:PORT.")
        }
        var host = String(text[..<colon])
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        return (host, Int(port))
    }
}
