import Encodings
import Foundation
import Kubernetes
import KubernetesTestSupport
import Logging
import Telemetry
import Testing
import X509Trust

@testable import Controller

@Suite("Certificates of the admission service", .timeLimit(.minutes(5)))
struct CertificateKeeperTests {
    private static let leader = Leadership.unelected(fence: 1)

    private static func keeper(_ api: any KubernetesAPI, _ environment: RuntimeEnvironment) -> CertificateKeeper {
        CertificateKeeper(
            api: api, namespace: "claviger", secret: "claviger-admission-tls",
            names: ServiceNames(service: "claviger-admission", namespace: "claviger"),
            configurations: WebhookConfigurations(api: api, validating: "claviger", mutating: "claviger"),
            environment: environment, logger: AdmissionCluster.silent)
    }

    private static func store(_ cluster: FakeCluster) throws -> CertificateStore {
        let secret = try #require(try cluster.object("Secret", "claviger", "claviger-admission-tls"))
        return CertificateStore(KubernetesObject(json: secret))
    }

    /// Works until nothing is to be done.
    private static func settle(_ keeper: CertificateKeeper, _ publication: inout Publication) async throws {
        for _ in 0..<10 { if try await !keeper.pass(&publication, leader) { return } }
        Issue.record("it never comes to rest")
    }

    /// Whether what is served is trusted by everybody, those included who have not heard of the latest bundle.
    private static func isServed(_ cluster: FakeCluster, _ formerBundles: [String], at now: Date) throws -> Bool {
        let leaf = try #require(try store(cluster).current).certificate
        return try formerBundles.allSatisfy { bundle in
            let anchors = try Certificate.all(pem: bundle).map(\.der)
            return (try? CertificateChain.verify(leaf: leaf.der, anchors: anchors, at: now)) != nil
        }
    }

    @Test("a renewal is trusted before it is served, and what was served is trusted until nobody serves it")
    func rotation() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make(.chart)) { server in
            let cluster = server.cluster
            try AdmissionCluster.register(cluster, port: 1)
            let time = ShiftedTime()
            let keeper = Self.keeper(try AdmissionCluster.client(server), time.environment())
            func now() -> Date { time.environment().wallTime() }
            var publication = Publication()
            try await Self.settle(keeper, &publication)
            let first = try #require(try Self.store(cluster).current)
            #expect(first.isValid(at: now()) && !first.isDue(at: now(), keeper.names))
            #expect(first.certificate.publicKeyDER.count < 100, "a key on P-256")
            let firstBundle = try #require(try AdmissionCluster.bundles(cluster).first)
            #expect(try AdmissionCluster.bundles(cluster) == [first.authority.pem])
            // Two months later.
            time.pass(.seconds(59 * 86_400))
            try await Self.settle(keeper, &publication)
            #expect(try Self.store(cluster).next == nil)
            time.pass(.seconds(86_400))
            try await Self.settle(keeper, &publication)
            let announced = try Self.store(cluster)
            let next = try #require(announced.next)
            #expect(announced.current == first, "not served before everybody can have heard of it")
            let bothBundle = try #require(try AdmissionCluster.bundles(cluster).first)
            #expect(bothBundle == first.authority.pem + next.authority.pem)
            #expect(try Self.isServed(cluster, [firstBundle, bothBundle], at: now()))
            time.pass(.seconds(58))
            try await Self.settle(keeper, &publication)
            #expect(try Self.store(cluster).current == first)
            time.pass(.seconds(3))
            try await Self.settle(keeper, &publication)
            let served = try Self.store(cluster)
            #expect(served.current == next && served.next == nil && served.former == first.authority)
            let overlap = try #require(try AdmissionCluster.bundles(cluster).first)
            #expect(try Self.isServed(cluster, [bothBundle, overlap], at: now()))
            #expect(
                overlap.contains(first.authority.pem), "a replica that was not told yet still serves the former one")
            time.pass(.seconds(601))
            try await Self.settle(keeper, &publication)
            #expect(try AdmissionCluster.bundles(cluster) == [next.authority.pem])
            #expect(try Self.store(cluster).former == nil)
        }
    }

    @Test("1.3, 2.3: each replica does not make an authority of its own: the first one's is everybody's")
    func oneSource() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make(.chart)) { server in
            try AdmissionCluster.register(server.cluster, port: 1)
            let keepers = try (0..<4).map { _ in Self.keeper(try AdmissionCluster.client(server), .system) }
            await withTaskGroup(of: Void.self) { group in
                for keeper in keepers {
                    group.addTask {
                        var publication = Publication()
                        for _ in 0..<5 { _ = try? await keeper.pass(&publication, Self.leader) }
                    }
                }
            }
            let authority = try #require(try Self.store(server.cluster).current).authority
            #expect(try AdmissionCluster.bundles(server.cluster) == [authority.pem])
            let versions = try Self.versions(server.cluster)
            for keeper in keepers {
                var publication = Publication()
                #expect(try await !keeper.pass(&publication, Self.leader))
            }
            #expect(try Self.versions(server.cluster) == versions, "nothing is written where all is well")
        }
    }

    private static func versions(_ cluster: FakeCluster) throws -> [String] {
        try ["Secret", "ValidatingWebhookConfiguration", "MutatingWebhookConfiguration"].flatMap { kind in
            try cluster.objects(kind).compactMap { $0["metadata"]?["resourceVersion"]?.stringValue }
        }
    }

    @Test("what somebody took out of the Secret or the configurations is put back; what cannot be read is made anew")
    func repair() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make(.chart)) { server in
            let cluster = server.cluster
            let keeper = Self.keeper(try AdmissionCluster.client(server), .system)
            var publication = Publication()
            // Nothing is registered yet: the Secret is made all the same.
            try await Self.settle(keeper, &publication)
            let first = try #require(try Self.store(cluster).current)
            try AdmissionCluster.register(cluster, port: 1)
            try await Self.settle(keeper, &publication)
            #expect(try AdmissionCluster.bundles(cluster) == [first.authority.pem])
            var emptied = try #require(try cluster.object("MutatingWebhookConfiguration", "", "claviger"))
            let webhooks = (emptied["webhooks"]?.arrayValue ?? []).map { webhook -> JSONValue in
                var webhook = webhook.objectValue ?? [:]
                webhook["clientConfig"] = ["url": "https://localhost:2/mutate", "caBundle": ""]
                return .object(webhook)
            }
            emptied["webhooks"] = .array(webhooks)
            try cluster.replace(emptied)
            try await Self.settle(keeper, &publication)
            #expect(try AdmissionCluster.bundles(cluster) == [first.authority.pem])
            for damage in ["tls.key": "AAAA", "ca.crt": "", "tls.crt": "LS0t"] as [String: String] {
                try cluster.patch(
                    "Secret", "claviger", "claviger-admission-tls", ["data": [damage.key: .string(damage.value)]])
                try await Self.settle(keeper, &publication)
                let store = try Self.store(cluster)
                #expect(store.current?.isValid(at: Date()) == true, "\(damage)")
                #expect(try AdmissionCluster.bundles(cluster) == [store.bundle])
            }
        }
    }

    @Test("a Secret that somebody deleted is made anew, with the rights that the chart gives")
    func deleted() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make(.chart)) { server in
            let cluster = server.cluster
            try AdmissionCluster.register(cluster, port: 1)
            let keeper = Self.keeper(try AdmissionCluster.client(server), .system)
            var publication = Publication()
            try await Self.settle(keeper, &publication)
            let lost = try #require(try Self.store(cluster).current)
            try cluster.delete("Secret", "claviger", "claviger-admission-tls")
            try await Self.settle(keeper, &publication)
            let made = try #require(try Self.store(cluster).current)
            #expect(made != lost && made.isValid(at: Date()))
            #expect(try AdmissionCluster.bundles(cluster) == [made.authority.pem])
        }
    }

    @Test("a webhook configuration that somebody took away stops neither the renewal nor the other one")
    func missing() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make(.chart)) { server in
            let cluster = server.cluster
            try AdmissionCluster.register(cluster, port: 1)
            let time = ShiftedTime()
            let keeper = Self.keeper(try AdmissionCluster.client(server), time.environment())
            var publication = Publication()
            try await Self.settle(keeper, &publication)
            let first = try #require(try Self.store(cluster).current)
            let taken = try #require(try cluster.object("MutatingWebhookConfiguration", "", "claviger"))
            try cluster.delete("MutatingWebhookConfiguration", "", "claviger")
            time.pass(.seconds(61 * 86_400))
            try await Self.settle(keeper, &publication)
            let next = try #require(try Self.store(cluster).next)
            #expect(try AdmissionCluster.bundles(cluster) == [first.authority.pem + next.authority.pem])
            // It comes back as it was, and its readers have the same time as the others had.
            time.pass(.seconds(50))
            try cluster.create(taken.withoutVersion)
            try await Self.settle(keeper, &publication)
            #expect(try AdmissionCluster.bundles(cluster) == [first.authority.pem + next.authority.pem])
            time.pass(.seconds(20))
            try await Self.settle(keeper, &publication)
            #expect(try Self.store(cluster).current == first, "announced to some for 20 seconds only")
            time.pass(.seconds(41))
            try await Self.settle(keeper, &publication)
            #expect(try Self.store(cluster).current == next)
        }
    }

    @Test("a configuration that cannot be written does not keep a certificate that is due or over from being renewed")
    func refused() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make(.chart)) { server in
            let cluster = server.cluster
            try AdmissionCluster.register(cluster, port: 1)
            let time = ShiftedTime()
            let keeper = Self.keeper(try AdmissionCluster.client(server), time.environment())
            var publication = Publication()
            try await Self.settle(keeper, &publication)
            let first = try #require(try Self.store(cluster).current)
            cluster.inject(.answer(APIStatus(403, "Forbidden", "not by you")), times: nil) {
                $0.verb == "patch" && $0.resource == "mutatingwebhookconfigurations"
            }
            time.pass(.seconds(61 * 86_400))
            for _ in 0..<3 { _ = try? await keeper.pass(&publication, Self.leader) }
            let next = try #require(try Self.store(cluster).next)
            time.pass(.seconds(600))
            await #expect(throws: ControllerError.self) { try await keeper.pass(&publication, Self.leader) }
            #expect(try Self.store(cluster).current == first, "nothing is served that not everybody trusts")
            let validating = try #require(try cluster.object("ValidatingWebhookConfiguration", "", "claviger"))
            let bundle = validating["webhooks"]?.arrayValue?.first?["clientConfig"]?["caBundle"]?.stringValue ?? ""
            #expect(String(decoding: try Base64.decode(bundle), as: UTF8.self).contains(next.authority.pem))
            time.pass(.seconds(29 * 86_400))
            for _ in 0..<3 { _ = try? await keeper.pass(&publication, Self.leader) }
            #expect(try Self.store(cluster).current == next, "the former one is over")
        }
    }

    @Test("a replica is ready while one configuration leads to it, and not while none does")
    func ready() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make(.chart)) { server in
            let cluster = server.cluster
            let api = try AdmissionCluster.client(server)
            let keeper = Self.keeper(api, .system)
            var publication = Publication()
            try await Self.settle(keeper, &publication)
            let certificates = AdmissionCertificates(
                source: CertificateSecret(
                    api: api, namespace: "claviger", name: "claviger-admission-tls", environment: .system,
                    logger: AdmissionCluster.silent),
                configurations: keeper.configurations, environment: .system,
                metrics: ControllerMetrics(factory: MetricsRegistry()), logger: AdmissionCluster.silent)
            await certificates.reload()
            #expect(certificates.problem?.contains("no MutatingWebhookConfiguration claviger") == true)
            try AdmissionCluster.register(cluster, port: 1)
            await certificates.compare()
            #expect(certificates.problem?.contains("does not lead to the certificate") == true)
            try await Self.settle(keeper, &publication)
            await certificates.compare()
            #expect(certificates.problem == nil)
            for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
                let taken = try #require(try cluster.object(kind, "", "claviger"))
                try cluster.delete(kind, "", "claviger")
                await certificates.compare()
                #expect(certificates.problem == nil, "without \(kind)")
                try cluster.create(taken.withoutVersion)
            }
            for kind in ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"] {
                try cluster.delete(kind, "", "claviger")
            }
            await certificates.compare()
            #expect(certificates.problem != nil, "nobody calls at all")
        }
    }

    @Test("a service of another name gets another certificate, announced first")
    func renamed() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make(.chart)) { server in
            try AdmissionCluster.register(server.cluster, port: 1)
            let api = try AdmissionCluster.client(server)
            var publication = Publication()
            try await Self.settle(Self.keeper(api, .system), &publication)
            let first = try #require(try Self.store(server.cluster).current)
            #expect(first.isDue(at: Date(), ServiceNames(service: "other", namespace: "claviger")))
            #expect(first.isDue(at: Date(), ServiceNames(service: "admission", namespace: "claviger")))
        }
    }

    @Test("who does not lead any more writes nothing")
    func notLeading() async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make(.chart)) { server in
            try AdmissionCluster.register(server.cluster, port: 1)
            let keeper = Self.keeper(try AdmissionCluster.client(server), .system)
            let task = Task {
                // Cancelled, as the work of a term that is over.
                withUnsafeCurrentTask { $0?.cancel() }
                var publication = Publication()
                return try await keeper.pass(&publication, Self.leader)
            }
            await #expect(throws: ControllerError.self) { try await task.value }
            #expect(try server.cluster.objects("Secret").isEmpty)
        }
    }

    @Test("A52: no description of what is kept shows a key")
    func redacted() throws {
        let identity = try ServingIdentity.generate(ServiceNames(service: "s", namespace: "n"), at: Date())
        let store = CertificateStore(current: identity)
        var dumped = ""
        dump(store, to: &dumped)
        dump(ReadCertificate(chain: [], key: identity.key), to: &dumped)
        for text in ["\(store)", String(reflecting: store), dumped] { #expect(!text.contains("PRIVATE")) }
        #expect(CertificateStore(KubernetesObject(json: ["data": .object(store.data)])) == store)
    }
}

extension JSONObject {
    /// As somebody applies it again who kept a copy.
    fileprivate var withoutVersion: JSONObject {
        var copy = self
        copy["metadata"] = ["name": self["metadata"]?["name"] ?? ""]
        return copy
    }
}
