import ArgumentParser
import Encodings
import FoundationEssentials
import Kubernetes

struct KubectlStatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status",
        abstract: "Say whether broker, controller, definitions, objects and collateral are as they should be.",
        discussion: "The exit status is 1 when something is wrong, or cannot be seen.")

    @Option(help: "The namespace of the controller's Lease; otherwise it is looked for in all.")
    var controllerNamespace: String?

    @Option(help: "The name of the controller's Lease.")
    var leaseName = "claviger-controller"

    @Option(help: "Complain of collateral that is not valid for as long as this any more.")
    var collateralEnds = DurationArgument(seconds: 86_400)

    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if cluster.namespace != nil {
            throw ValidationError("this is about the whole cluster; the controller's is --controller-namespace")
        }
    }

    func run() async throws {
        let reader = try cluster.reader()
        let client = try broker.adminClient()
        let now = Date()
        let health = await BrokerHealth.look(
            client, at: try broker.endpoint().url, soon: collateralEnds.duration, now: now)
        let findings = health.findings + (await clusterFindings(reader, health.status, now))
        output.print(
            findings.map { $0.json() }, empty: "",
            columns: [
                ("WHAT", { $0.cell("subject") }), ("STATE", { $0.cell("state") }), ("DETAILS", { $0.cell("details") }),
            ])
        if findings.contains(where: { $0.state != .ok }) { throw ExitCode.failure }
    }

    private func clusterFindings(_ reader: ClusterReader, _ status: JSONValue?, _ now: Date) async -> [HealthFinding] {
        do throws(KubernetesError) {
            let version = try await reader.api.version()
            return [.ok("API server", "Kubernetes \(version.major).\(version.minor)")]
                + (try await ControllerHealth.look(
                    reader, namespace: controllerNamespace, name: leaseName, broker: status, now: now))
                + (try await ObjectHealth.look(reader))
        } catch {
            return [.problem("API server", error.message)]
        }
    }
}
