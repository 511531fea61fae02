import ArgumentParser
import FoundationEssentials
import Kubernetes

/// Which cluster is meant; as with kubectl.
struct ClusterOptions: ParsableArguments {
    @Option(help: "The kubeconfig file; otherwise those of KUBECONFIG, or ~/.kube/config.")
    var kubeconfig: String?

    @Option(help: "The kubeconfig's context; otherwise its current one.")
    var context: String?

    @Option(name: [.short, .long], help: "The namespace; otherwise the context's.")
    var namespace: String?

    func validate() throws {
        if namespace?.isEmpty == true { throw ValidationError("--namespace is the name of a namespace") }
    }

    /// A client of the cluster's API server.
    func reader() throws -> ClusterReader {
        let configuration = try configuration()
        return ClusterReader(
            api: try KubernetesClient(configuration), namespace: namespace ?? configuration.namespace)
    }

    /// The namespace that is meant.
    func namespaceName() throws(KubernetesError) -> String {
        if let namespace { return namespace }
        return try configuration().namespace
    }

    private func configuration() throws(KubernetesError) -> KubernetesConfiguration {
        if let kubeconfig { return try .kubeconfig(files: [kubeconfig], context: context) }
        return try .discovered(environment: ProcessInfo.processInfo.environment, context: context)
    }
}
