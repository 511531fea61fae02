import ArgumentParser
import KubernetesTestSupport

/// Serves the API server of the tests to programs that are not ours, such as kubectl and Helm.
struct APIServerCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "api-server", abstract: "Serves an empty Kubernetes API on this machine until it is told to end.",
        discussion: """
            It has no nodes and no controllers: who wants pods to run or Deployments to become ready writes their status. \
            Everything is in memory and gone at the end.
            """)

    @Option(help: "The file that is written for clients once it listens.")
    var kubeconfig: String

    @Option(help: "Where the webhooks of a Service are, as NAMESPACE/NAME=https://HOST:PORT.")
    var service: [String] = []

    func run() async throws {
        var services: [String: String] = [:]
        for text in service {
            let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
            guard parts.count == 2 else { throw ValidationError("\(text) is not NAMESPACE/NAME=URL.") }
            services[parts[0]] = parts[1]
        }
        let cluster = try FakeCluster { [services] in $0.services = services }
        try await FakeAPIServer.run(cluster) { server in
            let authority = server.authorityPEM
            cluster.configure { $0.publishedAuthority = authority }
            try BrokerUnderTest.write(server.kubeconfig(), to: kubeconfig)
            // Until a signal ends the process.
            try await Task.sleep(for: .seconds(86_400))
        }
    }
}
