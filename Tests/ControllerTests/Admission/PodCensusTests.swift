import Encodings
import Foundation
import Kubernetes
import KubernetesTestSupport
import Testing

@testable import Controller

@Suite("Pods of AgentProfiles, counted", .timeLimit(.minutes(5)))
struct PodCensusTests {
    private static func profile(_ name: String, _ spec: JSONObject) -> JSONObject {
        var spec = spec
        spec["broker"] = ["urls": ["https://broker.claviger.svc:8080"]]
        return [
            "apiVersion": "claviger.dev/v1alpha1", "kind": "AgentProfile",
            "metadata": ["name": .string(name), "namespace": "payments"], "spec": .object(spec),
        ]
    }

    private static let ledger = profile(
        "ledger", ["selector": ["matchLabels": ["app": "ledger"]], "prefetch": ["kbs:///payments/data-key/ledger"]])
    private static let formerLedger = profile("ledger", ["selector": ["matchLabels": ["app": "ledger"]]])
    private static let confidential = profile(
        "confidential", ["selector": ["matchLabels": ["app": "ledger"], "runtimeClassNames": ["kata-qemu-snp"]]])

    private static func pod(
        _ name: String, app: String = "ledger", wish: String? = nil, namespace: String = "payments",
        runtimeClass: String? = nil
    ) -> JSONObject {
        var annotations: JSONObject = [:]
        annotations["claviger.dev/inject"] = wish.map { .string($0) }
        var spec: JSONObject = ["containers": [["name": "app", "image": "registry.example/app:1"]]]
        spec["runtimeClassName"] = runtimeClass.map { .string($0) }
        return [
            "apiVersion": "v1", "kind": "Pod",
            "metadata": [
                "name": .string(name), "namespace": .string(namespace), "labels": ["app": .string(app)],
                "annotations": .object(annotations),
            ], "spec": .object(spec),
        ]
    }

    /// As the webhook would have made it while there was just this profile.
    private static func injected(_ pod: JSONObject, by profile: JSONObject) async throws -> JSONObject {
        let profiles = GivenProfiles(objects: [KubernetesObject(json: profile)])
        let injector = PodInjector(settings: PodFiles.settings, authorities: nil, profiles: profiles)
        let (answer, result) = try await PodFiles.inject(pod, injector)
        #expect(answer.refusal == nil && !answer.patch.isEmpty)
        return result
    }

    private static func counts(_ cluster: FakeCluster, _ name: String) throws -> [Int64?] {
        let status = try cluster.object("AgentProfile", "payments", name)?["status"]
        return ["matchedPods", "injectedPods", "outdatedPods"].map { status?[$0]?.intValue }
    }

    @Test(
        "a profile's status says how many pods it is for, how many have its agent, and how many that of a former version",
        arguments: [AdmissionCluster.Roles.documents, .chart])
    func counted(_ roles: AdmissionCluster.Roles) async throws {
        try await FakeAPIServer.run(try AdmissionCluster.make(roles)) { server in
            let cluster = server.cluster
            for profile in [Self.ledger, Self.confidential] { try cluster.create(profile) }
            try cluster.create(try await Self.injected(Self.pod("current"), by: Self.ledger))
            try cluster.create(try await Self.injected(Self.pod("former"), by: Self.formerLedger))
            try cluster.create(try await Self.injected(Self.pod("named", app: "x", wish: "ledger"), by: Self.ledger))
            try cluster.create(Self.pod("before-the-profile"))
            try cluster.create(Self.pod("hidden", runtimeClass: "kata-qemu-snp"))
            // None of these is meant.
            try cluster.create(Self.pod("opted-out", wish: "false"))
            try cluster.create(Self.pod("another", app: "web"))
            try cluster.create(Self.pod("other-profile", wish: "web"))
            try cluster.create(Self.pod("elsewhere", namespace: "claviger"))
            try cluster.create(Self.pod("done"))
            _ = try cluster.patch("Pod", "payments", "done", subresource: "status", ["status": ["phase": "Succeeded"]])
            // More than one page.
            for number in 0..<110 { try cluster.create(Self.pod("web-\(number)", app: "web")) }
            let controller = try TestController("one", try AdmissionCluster.client(server), MemoryBroker(), .system) {
                $0.admission = AdmissionCluster.settings()
                $0.admission?.certificates = .folder("/nowhere")
            }
            try await eventually(by: controller) {
                try Self.counts(cluster, "ledger") == [5, 3, 1] && Self.counts(cluster, "confidential") == [1, 0, 0]
            }
            let lists = cluster.requests.filter { $0.path.hasSuffix("/pods") && $0.status == 200 }
            #expect(lists.allSatisfy { $0.path == "/api/v1/namespaces/payments/pods" && $0.query["limit"] == "20" })
            #expect(lists.count <= 12, "profiles of one namespace share a count")
            await controller.kill()
        }
    }

    @Test("where no profile asks for runtime classes, not more than the pods' metadata is read")
    func metadata() async throws {
        let cluster = MemoryCluster()
        let census = PodCensus(api: cluster, settings: PodFiles.settings, environment: .system)
        let plain = try #require(ProfileReconciler.spec(of: KubernetesObject(json: Self.ledger)))
        let choosy = try #require(ProfileReconciler.spec(of: KubernetesObject(json: Self.confidential)))
        #expect(await census.tally(of: "ledger", in: "payments") { ["ledger": plain] } == PodTally())
        #expect(await census.tally(of: "confidential", in: "other") { ["confidential": choosy] } == PodTally())
        #expect(cluster.requests.map(\.metadataOnly) == [true, false])
    }

    @Test("who may not list pods, or does not inject, still says whether a profile can be used")
    func uncounted() async throws {
        for isForbidden in [true, false] {
            let cluster = MemoryCluster()
            let time = TurnedTime()
            cluster.refuse { request in
                request.resource == "pods" ? KubernetesError(.forbidden, statusCode: 403, message: "No.") : nil
            }
            cluster.put(.agentProfiles, "payments", "ledger", spec: try #require(Self.ledger["spec"]?.objectValue))
            let controller = try TestController("one", cluster, MemoryBroker(), time.environment) { settings in
                guard isForbidden else { return }
                settings.admission = AdmissionCluster.settings()
                settings.admission?.certificates = .folder("/nowhere")
            }
            try await time.pass(until: { cluster.object(.agentProfiles, "payments", "ledger")?.holds("Ready") == true })
            #expect(cluster.object(.agentProfiles, "payments", "ledger")?.status?["matchedPods"] == nil)
            #expect(cluster.requests.contains { $0.resource == "pods" } == isForbidden)
            await controller.kill()
        }
    }
}
