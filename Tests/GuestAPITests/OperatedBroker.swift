import Encodings
import Foundation
import GuestTestSupport
import HTTPTransport
import Synchronization
import TestPrograms
import TestSupport
import Testing

import struct HTTPTransport.HTTPRequest

/// The real broker with its operator: `claviger-broker` on a database of PostgreSQL, which comes and goes at one address,
/// and `claviger`, which tells it what holds.
final class OperatedBroker: Sendable {
    /// The two programs, when both are built.
    struct Programs: Sendable {
        let broker: BuiltProgram
        let tool: BuiltProgram

        init?() {
            guard let broker = BuiltProgram("claviger-broker"), let tool = BuiltProgram("claviger") else { return nil }
            (self.broker, self.tool) = (broker, tool)
        }
    }

    private let programs: Programs
    private let port: Int
    private let folder: URL
    private let store: TestDatabase
    private let http: HTTPClient
    private let process = Mutex<RunningProgram?>(nil)

    /// A broker that was never started, and an administrator whom it will trust.
    init(_ programs: Programs, port: Int) async throws {
        self.programs = programs
        self.port = port
        folder = FileManager.default.temporaryDirectory.appending(path: "operator-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        http = try HTTPClient(configuration: .init(systemTrust: false, insecureHTTPAllowed: true))
        store = try await TestDatabase.make()
        let line = "one:\(Base64.encode(SecretBytes.random(count: 32).copyBytes()))\n"
        _ = FileManager.default.createFile(
            atPath: path("kek"), contents: Data(line.utf8), attributes: [.posixPermissions: 0o600])
        try await claviger("admin", "init", "--out", path("admin"))
    }

    /// Starts the program, and waits until it is ready.
    func start(tokenLifetime: String) async throws {
        let file = path("broker.yaml")
        try configuration(tokenLifetime).write(toFile: file, atomically: true, encoding: .utf8)
        let started = try programs.broker.start(["--config", file], environment: ["CLAVIGER_DATABASE_URL": store.dsn])
        process.withLock { $0 = started }
        while try await status("/readyz") != 200 {
            try #require(started.isRunning, "\(started.errorText)")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    private func configuration(_ tokenLifetime: String) -> String {
        """
        listen: ["127.0.0.1:\(port)"]
        keyEncryptionKeyFile: \(path("kek"))
        transport: {insecurePlaintext: true}
        attestation: {allowSample: true}
        collateral: {network: false}
        token: {lifetime: \(tokenLifetime), rotationOverlap: 2h}
        admin:
          mode: AuthenticatedAuthorization
          identityProviders:
            - {issuer: claviger-admin, audience: claviger, publicKeyFile: \(path("admin/admin-key.pub.pem"))}
          accessList:
            - {role: admin, allowedEndpoints: "^/kbs/.+$"}
            - {role: admin, allowedEndpoints: "^/claviger/.+$"}
        """
    }

    /// Sends the program a signal and waits for its end; its status.
    @discardableResult func end(by signal: Int32) async -> Int32? {
        let ending = process.withLock { $0 }
        ending?.signal(signal)
        return await ending?.status()
    }

    /// Stores a version of a resource.
    func put(_ resource: String, _ value: String) async throws {
        try Data(value.utf8).write(to: URL(filePath: path("value")))
        try await claviger("resource", "put", resource, "--file", path("value"))
    }

    /// Puts the one release policy in force, which releases to every attested guest, or to nobody.
    func release(_ isAllowed: Bool) async throws {
        let denial = """
              validations:
                - expression: "1 == 2"
                  message: "this pod is out of service"
            """
        let policy = """
            apiVersion: claviger.dev/v1alpha1
            kind: ClusterReleasePolicy
            metadata: {name: pods}
            spec:
              match: {resources: ["app/**"]}
            \(isAllowed ? "" : denial)
            """
        try Data(policy.utf8).write(to: URL(filePath: path("policy.yaml")))
        try await claviger("policy", "apply", "--file", path("policy.yaml"))
    }

    /// Runs a command of the operator's; what it prints.
    @discardableResult func claviger(_ arguments: String...) async throws -> String {
        let run = try await programs.tool.run(
            arguments,
            environment: [
                "CLAVIGER_URL": "http://127.0.0.1:\(port)", "CLAVIGER_TOKEN_FILE": path("admin/admin-token"),
                "HOME": folder.path,
            ])
        try #require(await run.status() == 0, "\(arguments): \(run.outputText) \(run.errorText)")
        return run.outputText
    }

    /// How many attestations this process was asked for since its start.
    func attestations() async throws -> Int { try await count("kbs_attestation_requests_total") }

    /// How many releases this process denied by policy since its start.
    func denials() async throws -> Int { try await count("kbs_policy_violations_total") }

    private func count(_ series: String) async throws -> Int {
        let answer = try await http.send(HTTPRequest(url: "http://127.0.0.1:\(port)/metrics"))
        let line = String(decoding: answer.body, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix(series + " ")
        }
        return try #require(line.flatMap { Int($0.dropFirst(series.count + 1)) }, "\(series)")
    }

    /// The status of a route; 0 when nobody answers.
    private func status(_ route: String) async throws -> Int {
        (try? await http.send(HTTPRequest(url: "http://127.0.0.1:\(port)\(route)")).status) ?? 0
    }

    func remove() {
        process.withLock { $0?.signal(SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }
}
