import ArgumentParser
import Encodings
import FoundationEssentials
import Kubernetes
import Policy

struct KubectlWhyCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "why", abstract: "Say what was decided for a pod, why, and what would have to change.",
        discussion: """
            The ledger keeps no pods: how sure it is that a decision is this pod's is said with each. The exit status is 0 \
            when all was granted, 1 when nothing is known that was decided for it, 2 when something was denied, 3 when there is no such pod.
            """)

    @Argument(help: "The pod's name.")
    var pod: String

    @OptionGroup var cluster: ClusterOptions
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let reader = try cluster.reader()
        let client = try broker.adminClient()
        let object = try await object(reader)
        let workload = PodWorkload(object, namespace: reader.namespace)
        let report = PodReport(
            workload: workload, decisions: try await PodDecisions.search(for: workload, in: client),
            twins: await twins(of: object, reader), profiles: await profiles(for: object, reader),
            policies: [
                try await .read(.releasePolicy, namespace: reader.namespace, from: reader),
                try await .read(.clusterReleasePolicy, namespace: nil, from: reader),
            ], now: Date())
        output.print(.object(report.json())) { PodText(report: report).text() }
        if report.isDenied { throw ExitCode(CommandFailure.Status.denied.rawValue) }
        if !report.isDecided { throw ExitCode.failure }
    }

    private func object(_ reader: ClusterReader) async throws -> KubernetesObject {
        let name = ["pod/", "pods/", "po/"].first(where: pod.hasPrefix).map { String(pod.dropFirst($0.count)) } ?? pod
        do throws(KubernetesError) {
            return try await reader.api.get(.pods, namespace: reader.namespace, name: name)
        } catch {
            guard error.kind == .notFound else { throw error }
            throw CommandFailure("the namespace \(reader.namespace) has no pod \(name)", status: .notFound)
        }
    }

    /// Other pods with the same init-data. Whoever may not list pods goes without.
    private func twins(of pod: KubernetesObject, _ reader: ClusterReader) async -> Int {
        guard let annotation = pod.annotations[InitDataDocument.annotation] else { return 0 }
        let pods = (try? await reader.objects(.pods, namespace: reader.namespace)) ?? []
        return pods.count { $0.uid != pod.uid && $0.annotations[InitDataDocument.annotation] == annotation }
    }

    /// The profiles whose selector means the pod. Whoever may not list profiles goes without.
    private func profiles(for pod: KubernetesObject, _ reader: ClusterReader) async -> [String] {
        let listing = try? await KindListing.read(.agentProfile, namespace: reader.namespace, from: reader)
        return (listing?.objects ?? []).filter { Self.selects($0, pod) }.map {
            ComparedPolicy.identifier(.agentProfile, $0)
        }
    }

    private static func selects(_ profile: KubernetesObject, _ pod: KubernetesObject) -> Bool {
        let selector = profile.spec?["selector"]
        let labels = selector?["matchLabels"]?.objectValue ?? [:]
        guard labels.allSatisfy({ pod.labels[$0.name] == $0.value.stringValue }) else { return false }
        let runtimes = (selector?["runtimeClassNames"]?.arrayValue ?? []).compactMap(\.stringValue)
        return runtimes.isEmpty || runtimes.contains(pod.spec?["runtimeClassName"]?.stringValue ?? "")
    }
}
