import Encodings
import Foundation
import HTTPTransport
import Kubernetes
import KubernetesTestSupport
import TestPrograms
import Testing
import X509Trust

@testable import Controller

/// The built `claviger-controller` as a process.
@Suite("Admission by the program", .timeLimit(.minutes(5)))
struct AdmissionProgramTests {
    private static let program = BuiltProgram("claviger-controller")
    private static let image = "registry.example/claviger/agent@sha256:" + String(repeating: "0", count: 64)

    private static func withFolder<T>(_ body: (URL) async throws -> T) async throws -> T {
        let folder = FileManager.default.temporaryDirectory.appending(path: "claviger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(at: folder) }
        return try await body(folder)
    }

    private static func port(_ process: RunningProgram, _ message: String) async throws -> Int {
        @Sendable func port() -> Int? {
            let line = process.errorText.split(separator: "\n").first { $0.contains("\"\(message)\"") }
            return line?.firstMatch(of: /"port":"?(\d+)/).flatMap { Int($0.1) }
        }
        try await eventually { port() != nil || !process.isRunning }
        return try #require(port(), "\(process.errorText)")
    }

    @Test("it serves webhooks with its own certificate, says what is insecure (A45), and answers on while it ends")
    func serves() async throws {
        let program = try #require(Self.program)
        try await Self.withFolder { folder in
            let authority = try CertificateAuthority.generate(commonName: "broker", validity: .days(1, from: Date()))
            try authority.certificatePEM.write(to: folder.appending(path: "ca.pem"), atomically: true, encoding: .utf8)
            let (config, ca) = (folder.appending(path: "kubeconfig").path, folder.appending(path: "ca.pem").path)
            try await FakeAPIServer.run(try AdmissionCluster.make()) { server in
                let token = try server.cluster.token(forServiceAccount: "claviger-controller", namespace: "claviger")
                try server.kubeconfig(token: token).write(toFile: config, atomically: true, encoding: .utf8)
                let process = try program.start([
                    "--source", "east", "--kubeconfig", config, "--lease-namespace", "claviger", "--insecure-http",
                    "--url", "http://127.0.0.1:1", "--health-address", "127.0.0.1:0",
                    "--admission-address", "127.0.0.1:0", "--admission-host", "localhost",
                    "--agent-image", Self.image, "--agent-broker-url", "https://broker.claviger.svc:8080",
                    "--agent-ca", ca, "--agent-requests", "cpu=20m", "--agent-limits", "", "--agent-allow-sample",
                ])
                defer { process.signal(SIGKILL) }
                let port = try await Self.port(process, "admission webhooks listen")
                let health = try await Self.port(process, "listening")
                try AdmissionCluster.register(server.cluster, port: port)
                let http = try HTTPClient(configuration: HTTPClientConfiguration(insecureHTTPAllowed: true))
                func get(_ path: String) async throws -> (Int, String) {
                    let answer = try await http.send(
                        HTTPRequest(method: "GET", url: "http://127.0.0.1:\(health)\(path)"))
                    return (answer.status, String(decoding: answer.body, as: UTF8.self))
                }
                try await eventually { try await get("/readyz").0 == 200 }
                #expect(try await get("/readyz?verbose").1.contains("[+]admission ok"))
                let pod = try await AdmissionCluster.admin(server).create(
                    KubernetesObject(json: [
                        "apiVersion": "v1", "kind": "Pod",
                        "metadata": [
                            "name": "p", "namespace": "payments", "annotations": ["claviger.dev/inject": "true"],
                        ], "spec": ["containers": [["name": "app", "image": "a"]]],
                    ]), in: .pods)
                let agent = pod.spec?["initContainers"]?.arrayValue?.first
                #expect(agent?["image"]?.stringValue == Self.image)
                #expect(agent?["resources"] == ["limits": [:], "requests": ["cpu": "20m"]])
                #expect(pod.annotations["claviger.dev/agent-ca"] == authority.certificatePEM)
                #expect(pod.annotations["claviger.dev/agent-config"]?.contains("\"allow_sample\":true") == true)
                #expect(try await get("/metrics").1.contains("claviger_controller_insecure 1"))
                #expect(process.errorText.contains("sample evidence"))
                let bundle = try #require(try AdmissionCluster.bundles(server.cluster).first)
                process.signal(SIGTERM)
                try await eventually { try await get("/readyz").0 == 503 }
                let webhooks = try HTTPClient(
                    configuration: HTTPClientConfiguration(trustAnchorsPEM: bundle, systemTrust: false))
                let answer = try await webhooks.send(
                    HTTPRequest(
                        method: "POST", url: "https://localhost:\(port)/mutate",
                        headers: [("Content-Type", "application/json")],
                        body: Reviews.pod(["spec": ["containers": []]]).serialized(), timeout: .seconds(20)))
                #expect(answer.status == 200)
                #expect(await process.status() == 0)
                #expect(!process.errorText.contains("PRIVATE KEY"))
            }
        }
    }

    @Test("told to end before there is a certificate, it ends well")
    func endsBeforeItBegan() async throws {
        let program = try #require(Self.program)
        try await Self.withFolder { folder in
            let config = folder.appending(path: "kubeconfig").path
            try await FakeAPIServer.run(try AdmissionCluster.make()) { server in
                let token = try server.cluster.token(forServiceAccount: "claviger-controller", namespace: "claviger")
                try server.kubeconfig(token: token).write(toFile: config, atomically: true, encoding: .utf8)
                let process = try program.start([
                    "--source", "east", "--kubeconfig", config, "--lease-namespace", "claviger", "--insecure-http",
                    "--url", "http://127.0.0.1:1", "--health-address", "127.0.0.1:0",
                    "--admission-address", "127.0.0.1:0", "--admission-certificates", folder.path,
                ])
                defer { process.signal(SIGKILL) }
                _ = try await Self.port(process, "listening")
                try await eventually { process.errorText.contains("was not taken over") }
                process.signal(SIGTERM)
                try await eventually(atMost: .seconds(25)) { !process.isRunning }
                #expect(await process.status() == 0, "\(process.errorText)")
            }
        }
    }

    @Test("what cannot be meant is refused at the start, with what to write")
    func refused() async throws {
        let program = try #require(Self.program)
        for (arguments, hint) in [
            (["--agent-user", "0"], "never run as root"), (["--agent-broker-url", "http://b"], "https://"),
            (["--agent-requests", "cpu=lots"], "cpu=10m"), (["--agent-pull-policy", "Sometimes"], "IfNotPresent"),
            (["--admission-address", "8443"], "HOST:PORT"),
        ] {
            let process = try await program.run(
                ["--source", "east", "--url", "https://b.example", "--admission-address", "127.0.0.1:0"] + arguments)
            #expect(await process.status() == 64 && process.errorText.contains(hint), "\(process.errorText)")
        }
    }

    @Test("the command of docs/injection.md prints policies that the API server takes")
    func printsPolicies() async throws {
        let program = try #require(Self.program)
        try await Self.withFolder { folder in
            let file = folder.appending(path: "broker-ca.pem")
            try PodFiles.settings.authorities?.write(to: file, atomically: true, encoding: .utf8)
            let process = try await program.run([
                "admission-policy", "--agent-image", PodFiles.settings.image ?? "", "--agent-broker-url",
                "https://broker.claviger.svc:8080", "--agent-ca", file.path,
            ])
            #expect(await process.status() == 0)
            #expect(process.outputText == (try InjectionPolicy(PodFiles.settings).yaml()))
            #expect(await (try await program.run(["admission-policy"])).status() == 64)
        }
    }
}
