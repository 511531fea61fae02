import Foundation
import HTTPTransport
import Kubernetes
import KubernetesTestSupport
import Logging
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization
import Telemetry
import Testing

@testable import Controller

@Suite("Connections of the admission service, and its end", .timeLimit(.minutes(3)))
struct AdmissionConnectionTests {
    private final class Note<Value: Sendable>: Sendable {
        private let value = Mutex<Value?>(nil)
        var now: Value? { value.withLock { $0 } }
        func set(_ new: Value) { value.withLock { $0 = new } }
    }

    private static func parts(
        _ api: any KubernetesAPI, _ settings: AdmissionSettings
    ) throws -> AdmissionAssembly {
        try AdmissionAssembly(
            settings,
            profiles: InformedCache(resource: .agentProfiles, followers: [], environment: .system),
            controller: KubernetesSettings(source: "cluster", leaseNamespace: "claviger", candidate: "one"), api: api,
            environment: .system, metrics: ControllerMetrics(factory: MetricsRegistry()),
            logger: AdmissionCluster.silent)
    }

    /// Makes the certificate, and tells what leads to it.
    private static func makeCertificate(_ parts: AdmissionAssembly, _ cluster: FakeCluster) async throws -> String {
        var publication = Publication()
        _ = try await parts.keeper?.pass(&publication, .unelected(fence: 1))
        let secret = try #require(try cluster.object("Secret", "claviger", "claviger-admission-tls"))
        return CertificateStore(KubernetesObject(json: secret)).bundle
    }

    private static func connect(_ port: Int, tls: Bool = false) async throws -> any Channel {
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        let context = tls ? try NIOSSLContext(configuration: configuration) : nil
        return try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    guard let context else { return }
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    @Test("whoever says nothing, or does not end what he says, is shown out; others are answered meanwhile")
    func silentPeers() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make()) { server in
            let listening = Note<Int>()
            let parts = try Self.parts(
                try AdmissionCluster.client(server), AdmissionCluster.settings { listening.set($0) })
            var admission = parts.server
            admission.arrival = .seconds(5)
            let serving = Task { [admission] in try await admission.run() }
            defer { serving.cancel() }
            let bundle = try await Self.makeCertificate(parts, server.cluster)
            try await eventually { listening.now != nil }
            let port = try #require(listening.now)
            let head = "POST /mutate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            var peers = [try await Self.connect(port), try await Self.connect(port, tls: true)]
            for rest in ["Content-Length: 8388608\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"] {
                let peer = try await Self.connect(port, tls: true)
                try await peer.writeAndFlush(ByteBuffer(string: head + rest))
                peers.append(peer)
            }
            let client = try HTTPClient(
                configuration: HTTPClientConfiguration(trustAnchorsPEM: bundle, systemTrust: false))
            let answer = try await client.send(
                HTTPRequest(
                    method: "POST", url: "https://localhost:\(port)/mutate",
                    headers: [("Content-Type", "application/json")],
                    body: Reviews.pod(["spec": ["containers": []]]).serialized(), timeout: .seconds(20)))
            #expect(answer.status == 200)
            for (number, peer) in peers.enumerated() {
                try await eventually { !peer.isActive }
                #expect(!peer.isActive, "peer \(number)")
            }
        }
    }

    @Test("without a certificate it ends when it is told to")
    func endsBeforeItBegan() async throws {
        let cluster = MemoryCluster()
        let parts = try Self.parts(cluster, AdmissionCluster.settings())
        let group = ServiceGroup(services: [parts.server], logger: AdmissionCluster.silent)
        let end = Note<String>()
        let running = Task {
            do {
                try await group.run()
                end.set("well")
            } catch {
                end.set("\(error)")
            }
        }
        defer { running.cancel() }
        try await eventually { cluster.requests.contains { $0.resource == "secrets" } }
        await group.triggerGracefulShutdown()
        try await eventually(atMost: .seconds(20)) { end.now != nil }
        #expect(end.now == "well")
    }

    @Test("an address that somebody else has ends it with the reason")
    func addressTaken() async throws {
        let other = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .bind(host: "127.0.0.1", port: 0).get()
        try await FakeAPIServer.run(try AdmissionCluster.make()) { server in
            var settings = AdmissionCluster.settings()
            settings.port = try #require(other.localAddress?.port)
            let parts = try Self.parts(try AdmissionCluster.client(server), settings)
            let end = Note<ControllerError>()
            let running = Task {
                do {
                    try await parts.server.run()
                    end.set(ControllerError(code: "none", message: "It ended as if all were well."))
                } catch {
                    end.set(error as? ControllerError ?? ControllerError(code: "other", message: "\(error)"))
                }
            }
            defer { running.cancel() }
            _ = try await Self.makeCertificate(parts, server.cluster)
            try await eventually { end.now != nil }
            #expect(end.now?.code == "cannot_listen", "\(String(describing: end.now))")
            #expect(end.now?.message.contains("port \(settings.port)") == true)
        }
        try await other.close()
    }
}
