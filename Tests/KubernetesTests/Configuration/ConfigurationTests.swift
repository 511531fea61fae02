import Encodings
import Foundation

import KubernetesTestSupport
import TestInput
import Testing

@testable import Kubernetes

@Suite("Where a Kubernetes client learns whom to talk to")
struct ConfigurationTests {
    private static let pem = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
    private static let environment = ["KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"]

    @Test("a pod finds its server, authority, token and namespace")
    func inCluster() throws {
        let folder = try Self.pod()
        let configuration = try KubernetesConfiguration.inCluster(
            environment: Self.environment, folder: folder.path)
        #expect(configuration.server == "https://10.0.0.1:443")
        #expect(configuration.authority == .file("\(folder.path)/ca.crt"))
        #expect(configuration.credential == .tokenFile("\(folder.path)/token"))
        #expect(configuration.namespace == "payments")
    }

    @Test("an IPv6 address gets its brackets", arguments: ["fd00::1", "[fd00::1]"])
    func brackets(host: String) throws {
        let folder = try Self.pod()
        let environment = ["KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "6443"]
        let configuration = try KubernetesConfiguration.inCluster(environment: environment, folder: folder.path)
        #expect(configuration.server == "https://[fd00::1]:6443")
    }

    @Test("without an authority there is no client, whatever else is there", arguments: ["", "no certificate", nil])
    func noAuthority(content: String?) throws {
        let folder = try TemporaryFolder()
        try folder.write("token", "t")
        if let content { try folder.write("ca.crt", content) }
        let failure = #expect(throws: KubernetesError.self) {
            try KubernetesConfiguration.inCluster(environment: Self.environment, folder: folder.path)
        }
        #expect(failure?.kind == .configuration)
        let explicit = try KubernetesConfiguration(
            server: "https://a", authority: .pem(content ?? ""), credential: .token(.init([0x61])))
        #expect(throws: KubernetesError.self) { try KubernetesClient(explicit) }
    }

    @Test(
        "outside of a pod, and with a server that is no https URL, there is no client",
        arguments: [
            [:], ["KUBERNETES_SERVICE_HOST": "a"], ["KUBERNETES_SERVICE_HOST": "a", "KUBERNETES_SERVICE_PORT": "0"],
            ["KUBERNETES_SERVICE_HOST": "a b", "KUBERNETES_SERVICE_PORT": "1"],
            ["KUBERNETES_SERVICE_HOST": "u@a", "KUBERNETES_SERVICE_PORT": "1"],
        ])
    func noServer(environment: [String: String]) throws {
        let folder = try Self.pod()
        #expect(throws: KubernetesError.self) {
            try KubernetesConfiguration.inCluster(environment: environment, folder: folder.path)
        }
        for server in ["http://a", "a", "https://", "https://a?b", "https://a#b", "https://u:p@a"] {
            #expect(throws: KubernetesError.self) {
                try KubernetesConfiguration(
                    server: server, authority: .pem(Self.pem), credential: .token(.init([0x61])))
            }
        }
    }

    @Test("a kubeconfig's current context is used, or the one that is asked for; paths start from its folder")
    func kubeconfig() throws {
        let folder = try TemporaryFolder()
        try folder.write("config", Self.document)
        let files = ["\(folder.path)/missing", "\(folder.path)/config"]
        let current = try KubernetesConfiguration.kubeconfig(files: files)
        #expect(current.server == "https://10.0.0.1:6443")
        #expect(current.authority == .pem(Self.pem))
        #expect(current.credential == .token(.init(Array("to.ke-n".utf8))))
        #expect(current.namespace == "payments")
        #expect(current.proxy == "http://proxy:3128")
        let other = try KubernetesConfiguration.kubeconfig(files: files, context: "second")
        #expect(other.authority == .file("\(folder.path)/pki/ca.crt"))
        #expect(other.credential == .tokenFile("/var/token"))
        #expect(other.namespace == "default")
        let third = try KubernetesConfiguration.kubeconfig(files: files, context: "third")
        let certificate = KubernetesConfiguration.Certificate(
            chain: .pem(Self.pem), key: SecretBytes(Array("key".utf8)))
        #expect(third.credential == .certificate(certificate))
    }

    @Test("of several kubeconfig files the first that gives a name counts")
    func merging() throws {
        let folder = try TemporaryFolder()
        try folder.write("first", "current-context: second\nusers:\n- {name: u2, user: {token: mine}}\n")
        try folder.write("second", Self.document)
        let configuration = try KubernetesConfiguration.discovered(
            environment: ["KUBECONFIG": "\(folder.path)/first:\(folder.path)/second"])
        #expect(configuration.credential == .token(.init(Array("mine".utf8))))
        #expect(configuration.authority == .file("\(folder.path)/pki/ca.crt"))
    }

    @Test(
        "a kubeconfig that asks for less than verification, or for what is not supported, is refused and says why",
        arguments: [
            ("    certificate-authority-data: \(authority)\n", "    insecure-skip-tls-verify: true\n", "insecure"),
            ("    certificate-authority-data: \(authority)\n", "", "certificate-authority is missing"),
            ("    token: to.ke-n\n", "    exec: {command: aws}\n", "exec"),
            ("    token: to.ke-n\n", "    token: to ke-n\n", "token"),
            ("server: https://10.0.0.1:6443", "server: http://10.0.0.1:6443", "https"),
            ("current-context: first", "current-context: zero", "zero"),
            ("    user: u1\n", "", "user"), ("contexts:", "contexts: {", "YAML"),
        ])
    func refused(part: String, replacement: String, word: String) throws {
        let folder = try TemporaryFolder()
        #expect(Self.document.contains(part))
        try folder.write("config", Self.document.replacingOccurrences(of: part, with: replacement))
        let failure = #expect(throws: KubernetesError.self) {
            try KubernetesConfiguration.kubeconfig(files: ["\(folder.path)/config"])
        }
        #expect(failure?.kind == .configuration)
        #expect(failure?.message.contains(word) == true)
        #expect(failure.map { !$0.message.contains("ke-n") } == true)
    }

    @Test("no change of a kubeconfig makes reading it fail otherwise than with its own error")
    func mutations() {
        var generator = SeededGenerator(seed: 6)
        let bytes = Array(Self.document.utf8)
        for _ in 0..<2_000 {
            var mutated = bytes
            for _ in 0..<Int.random(in: 1...4, using: &generator) { mutated.mutate(&generator) }
            guard let text = String(validating: mutated, as: UTF8.self) else { continue }
            var kubeconfig = Kubeconfig()
            do throws(KubernetesError) {
                try kubeconfig.add(text, named: "config", folder: "/")
                #expect(try kubeconfig.configuration(context: nil).server.hasPrefix("https://"))
            } catch {
                #expect(error.kind == .configuration)
            }
        }
    }

    private static func pod() throws -> TemporaryFolder {
        let folder = try TemporaryFolder()
        try folder.write("token", "t\n")
        try folder.write("ca.crt", pem)
        try folder.write("namespace", "payments\n")
        return folder
    }

    private static let authority = Data(pem.utf8).base64EncodedString()
    private static let document = """
        apiVersion: v1
        kind: Config
        current-context: first
        preferences: {}
        contexts:
        - name: first
          context:
            cluster: c1
            namespace: payments
            user: u1
        - name: second
          context: {cluster: c2, user: u2}
        - name: third
          context: {cluster: c2, user: u3}
        clusters:
        - name: c1
          cluster:
            certificate-authority-data: \(authority)
            server: https://10.0.0.1:6443/
            proxy-url: http://proxy:3128
            extensions: [{name: x, extension: {a: 1}}]
        - name: c2
          cluster: {server: "https://b", certificate-authority: pki/ca.crt}
        users:
        - name: u1
          user:
            token: to.ke-n
        - name: u2
          user: {tokenFile: /var/token}
        - name: u3
          user: {client-certificate-data: \(authority), client-key-data: a2V5}

        """
}
