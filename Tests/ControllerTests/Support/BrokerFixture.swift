import AdminClient
import Broker
import BrokerAPI
import BrokerTestSupport
import Foundation
import JOSE
import Testing

/// Brokers on one database and free ports, with an administrator and a controller that may do what a controller needs.
struct BrokerFixture: Sendable {
    let brokers: [TestBroker]
    let urls: [String]
    /// May do everything.
    let admin: AdminClient
    /// May do what docs/controller.md gives to a controller.
    let controller: AdminClient
    let controllerToken: String
    let adminToken: String

    static func run(
        replicas: Int = 1, _ configure: (inout BrokerConfiguration) -> Void = { _ in },
        _ body: (BrokerFixture) async throws -> Void
    ) async throws {
        let root = FileManager.default.temporaryDirectory.appending(path: "claviger-controller-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: root) }
        let key = try SigningKey.generate(.edDSA)
        let keyFile = root.appending(path: "admin.pub")
        try Data(key.publicPEM.utf8).write(to: keyFile)
        var settings = BrokerConfiguration()
        func change(_ configuration: inout BrokerConfiguration) {
            configuration.listen = ["127.0.0.1:0"]
            configuration.transport.insecurePlaintext = true
            configuration.admin.mode = .authenticated
            configuration.admin.identityProviders = [
                .init(
                    issuer: AdminToken.defaultIssuer, audience: AdminToken.defaultAudience, publicKeyFile: keyFile.path)
            ]
            let source = "^/claviger/v1/sources/cluster/"
            configuration.admin.accessList = [
                .init(role: "admin", allowedEndpoints: "^/claviger/.+$"),
                .init(role: "controller", allowedEndpoints: source + "policies$", methods: ["PUT"]),
                .init(
                    role: "controller", allowedEndpoints: source + "secrets/[^/]+/[^/]+$", methods: ["PUT", "DELETE"]),
                .init(role: "controller", allowedEndpoints: "^/claviger/v1/policies/status$", methods: ["GET"]),
                .init(role: "controller", allowedEndpoints: "^/claviger/v1/policies$", methods: ["POST"]),
            ]
            configure(&configuration)
            settings = configuration
        }
        let first = try await TestBroker.make(configure: change)
        var brokers = [first]
        while brokers.count < replicas { brokers.append(try await first.replica(configure: change)) }
        let (started, startedSettings) = (brokers, settings)
        try await withThrowingTaskGroup(of: Void.self) { group in
            defer { group.cancelAll() }
            var urls: [String] = []
            for test in started {
                // As the program does: without it a broker gives no sign of life and hears of no change.
                group.addTask { try await test.broker.run() }
                let (ports, continuation) = AsyncStream.makeStream(of: Int.self)
                let server = try BrokerServer(
                    configuration: startedSettings, broker: test.broker, metrics: test.metrics,
                    logger: test.logs.logger(), onListening: { continuation.yield($0.port) })
                group.addTask { try await server.run() }
                guard let port = await ports.first(where: { _ in true }) else { throw CancellationError() }
                urls.append("http://127.0.0.1:\(port)")
            }
            try await body(try clients(started, urls, key))
        }
    }

    private static func clients(
        _ brokers: [TestBroker], _ urls: [String], _ key: SigningKey
    ) throws -> BrokerFixture {
        let url = try #require(urls.first)
        let token = try AdminToken.sign(.init(subject: "controller", role: "controller"), with: key)
        let adminToken = try AdminToken.sign(.init(), with: key)
        return BrokerFixture(
            brokers: brokers, urls: urls,
            admin: try AdminClient(.init(url: url, token: adminToken, insecureHTTPAllowed: true)),
            controller: try AdminClient(.init(url: url, token: token, insecureHTTPAllowed: true)),
            controllerToken: token.withUnsafeBytes { String(decoding: $0, as: UTF8.self) },
            adminToken: adminToken.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
    }
}
