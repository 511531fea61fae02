import Encodings
import Foundation
import Guest
import Kubernetes
import Testing

@testable import Controller
@testable import KubernetesTestSupport

@Suite("Injection into pods that try something")
struct PodInjectorTests {
    private static let plain: JSONObject = [
        "apiVersion": "v1", "kind": "Pod",
        "metadata": ["name": "p", "annotations": ["claviger.dev/inject": "true"]],
        "spec": ["containers": [["name": "app", "image": "registry.example/app:1"]]],
    ]

    private static func pod(
        _ change: (inout JSONObject) -> Void = { _ in }, annotations: JSONObject = ["claviger.dev/inject": "true"]
    ) -> JSONObject {
        var pod = plain
        pod["metadata"] = ["name": "p", "annotations": .object(annotations)]
        var spec = plain["spec"]?.objectValue ?? [:]
        change(&spec)
        pod["spec"] = .object(spec)
        return pod
    }

    @Test("pods of the system's and the controller's own namespaces, updates and subresources are never touched")
    func others() async throws {
        let injector = try PodFiles.injector()
        for namespace in ["kube-system", "kube-public", "kube-node-lease", "claviger"] {
            let (answer, pod) = try await PodFiles.inject(Self.plain, injector, namespace: namespace)
            #expect(answer == .allowed && pod == Self.plain)
        }
        for (operation, subresource) in [("UPDATE", nil), ("CREATE", "ephemeralcontainers"), ("DELETE", nil)] {
            let review = Reviews.pod(Self.plain, operation: operation, subresource: subresource)
            #expect(await injector.judge(try Reviews.request(review)) == .allowed)
        }
    }

    @Test(
        "1.2, 2.3: a pod that asks never starts silently without an agent: no image, no broker and no answer refuse it")
    func neverSilently() async throws {
        var settings = PodFiles.settings
        settings.image = nil
        var (answer, _) = try await PodFiles.inject(Self.plain, try PodFiles.injector(settings))
        #expect(answer.refusal?.message.contains("--agent-image") == true)
        settings = PodFiles.settings
        settings.brokerURLs = []
        (answer, _) = try await PodFiles.inject(Self.plain, try PodFiles.injector(settings))
        #expect(answer.refusal?.message.contains("--agent-broker-url") == true)
        let unread = GivenProfiles(failure: InjectionRefusal(code: "unavailable", message: "Try again."))
        let injector = PodInjector(settings: PodFiles.settings, authorities: nil, profiles: unread)
        (answer, _) = try await PodFiles.inject(Self.plain, injector)
        #expect(answer.refusal?.status == 503)
    }

    @Test("A30, A46: an image of a pod's or a profile's choosing is not taken, and nothing secret is put into a pod")
    func imageOnlyFromSettings() async throws {
        let profile: JSONObject = [
            "apiVersion": "claviger.dev/v1alpha1", "kind": "AgentProfile",
            "metadata": ["name": "own", "namespace": "payments"],
            "spec": [
                "container": ["image": "registry.example/other@sha256:00"], "broker": ["urls": ["https://b.example"]],
            ],
        ]
        var settings = PodFiles.settings
        let profiles = GivenProfiles(objects: [KubernetesObject(json: profile)])
        let pod = Self.pod(annotations: [
            "claviger.dev/inject": "own", "claviger.dev/agent-image": "registry.example/evil:1",
        ])
        let strict = PodInjector(settings: settings, authorities: nil, profiles: profiles)
        let refused = try await PodFiles.inject(pod, strict)
        #expect(refused.answer.refusal?.message.contains("spec.container.image") == true)
        settings.profilesChooseImages = true
        let open = PodInjector(settings: settings, authorities: nil, profiles: profiles)
        let injected = try await PodFiles.inject(pod, open).pod
        let text = JSONValue.object(injected).serializedString()
        #expect(injected["spec"]?["initContainers"]?.arrayValue?[0]["image"] == "registry.example/other@sha256:00")
        #expect(!text.contains("PRIVATE KEY") && !text.contains("token_file"))
    }

    @Test("an agent of an older image is exchanged for the present one, and one that somebody changed is refused")
    func exchange() async throws {
        var older = PodFiles.settings
        older.image = "registry.example/claviger/agent:0.0.1"
        let former = try await PodFiles.inject(Self.plain, try PodFiles.injector(older)).pod
        let (answer, pod) = try await PodFiles.inject(former, try PodFiles.injector())
        #expect(answer.refusal == nil)
        let agents = (pod["spec"]?["initContainers"]?.arrayValue ?? []).filter { $0["name"] == "claviger-agent" }
        #expect(agents.count == 1 && agents[0]["image"]?.stringValue == PodFiles.settings.image)
        var spec = try #require(former["spec"]?.objectValue)
        var agent = try #require(spec["initContainers"]?.arrayValue?[0].objectValue)
        agent["env"] = [["name": "LD_PRELOAD", "value": "/mnt/evil.so"]]
        spec["initContainers"] = [.object(agent)]
        var tampered = former
        tampered["spec"] = .object(spec)
        let refused = try await PodFiles.inject(tampered, try PodFiles.injector())
        #expect(refused.answer.refusal?.message.contains("env") == true)
    }

    @Test("two releases never exchange each other's agents: the pod is refused, and the message names the other")
    func twoReleases() async throws {
        var (first, second) = (PodFiles.settings, PodFiles.settings)
        first.injector = "keys-claviger"
        second.injector = "other-claviger"
        second.brokerURLs = ["https://other.example"]
        let made = try await PodFiles.inject(Self.plain, try PodFiles.injector(first)).pod
        let status = made["metadata"]?["annotations"]?["claviger.dev/agent-status"]?.stringValue
        #expect(status?.contains(#""injector":"keys-claviger""#) == true)
        #expect(try await PodFiles.inject(made, try PodFiles.injector(first)).answer.patch.isEmpty)
        for settings in [second, PodFiles.settings] {
            let (answer, pod) = try await PodFiles.inject(made, try PodFiles.injector(settings))
            #expect(answer.refusal?.message.contains("another injector, 'keys-claviger'") == true)
            #expect(pod == made)
        }
        // Annotations of a template that was copied are no agent.
        var copied = made
        copied["spec"] = Self.plain["spec"]
        let (answer, pod) = try await PodFiles.inject(copied, try PodFiles.injector(second))
        #expect(answer.refusal == nil && !answer.patch.isEmpty)
        #expect(
            pod["metadata"]?["annotations"]?["claviger.dev/agent-config"]?.stringValue?.contains("other.example")
                == true)
    }

    @Test("a container with the agent's name whose messages or token come from elsewhere is not the agent")
    func messagesAndToken() async throws {
        let injector = try PodFiles.injector()
        let stored = PodGoldenTests.asStored(try await PodFiles.inject(Self.plain, injector).pod)
        #expect(try await PodFiles.inject(stored, injector).answer.patch.isEmpty)
        for (field, value) in [
            ("terminationMessagePath", "/usr/bin/attestation-agent"), ("volumeMounts/1/name", "evil"),
            ("volumeMounts/1/readOnly", false),
        ] as [(String, JSONValue)] {
            let change: JSONValue = [
                "op": "replace", "path": .string("/spec/initContainers/0/" + field), "value": value,
            ]
            let pod = try #require(try Patches.patched(.object(stored), [change]).objectValue)
            let refusal = try await PodFiles.inject(pod, injector).answer.refusal
            #expect(refusal?.message.contains("is not the agent") == true, "\(field)")
        }
    }

    @Test("1.3: another webhook's sidecar that got in front is put behind the agent again")
    func staysFirst() async throws {
        let injector = try PodFiles.injector()
        let first = try await PodFiles.inject(Self.plain, injector).pod
        var spec = try #require(first["spec"]?.objectValue)
        let mesh: JSONValue = ["name": "mesh", "image": "registry.example/mesh:1", "restartPolicy": "Always"]
        spec["initContainers"] = .array([mesh] + (spec["initContainers"]?.arrayValue ?? []))
        var meshed = first
        meshed["spec"] = .object(spec)
        let (answer, pod) = try await PodFiles.inject(meshed, injector)
        #expect(answer.refusal == nil)
        let names = (pod["spec"]?["initContainers"]?.arrayValue ?? []).compactMap { $0["name"]?.stringValue }
        #expect(names == ["claviger-agent", "mesh"])
        #expect(try await PodFiles.inject(pod, injector).answer.patch.isEmpty)
    }

    @Test("a thousand containers each get their mount; annotations beyond what a pod may have are refused")
    func large() async throws {
        let containers = (0..<1_000).map { JSONValue.object(["name": .string("c\($0)"), "image": "a"]) }
        let many = Self.pod({ $0["containers"] = .array(containers) }, annotations: ["claviger.dev/inject": "socket"])
        let injector = try PodFiles.injector()
        let (answer, pod) = try await PodFiles.inject(many, injector)
        #expect(answer.refusal == nil)
        let mounted = (pod["spec"]?["containers"]?.arrayValue ?? []).count { container in
            container["volumeMounts"]?.arrayValue?.first?["mountPath"] == "/run/claviger"
        }
        #expect(mounted == 1_000)
        #expect(try await PodFiles.inject(pod, injector).answer.patch.isEmpty)
        let text = JSONValue.string(String(repeating: "x", count: 262_100))
        let big = Self.pod(annotations: ["claviger.dev/inject": "true", "example.org/much": text])
        #expect(try await PodFiles.inject(big, injector).answer.refusal?.message.contains("262144") == true)
    }

    @Test("a pod with very many mounts of its own is refused: each would be compared with each folder of the agent")
    func manyMounts() async throws {
        func pod(_ count: Int) -> JSONObject {
            let mounts = (0..<count / 2).map { JSONValue.object(["name": "v", "mountPath": .string("/data/\($0)")]) }
            let containers = ["a", "b"].map { (name) -> JSONValue in
                ["name": .string(name), "image": "a", "volumeMounts": .array(mounts)]
            }
            return Self.pod({ $0["containers"] = .array(containers) }, annotations: ["claviger.dev/inject": "socket"])
        }
        let injector = try PodFiles.injector()
        let refused = try await PodFiles.inject(pod(PodInjector.mostMounts + 2), injector).answer.refusal
        #expect(refused?.message.contains("8194 mounts") == true)
        #expect(try await PodFiles.inject(pod(PodInjector.mostMounts), injector).answer.result == "patched")
        // Who does not ask for an agent is not judged.
        var unasked = pod(PodInjector.mostMounts + 2)
        unasked["metadata"] = ["name": "p"]
        #expect(try await PodFiles.inject(unasked, injector).answer == .allowed)
    }

    @Test("what is no pod at all is refused and harms nothing")
    func malformed() async throws {
        let injector = try PodFiles.injector()
        let pods: [JSONObject] = [
            [:], ["spec": 1], ["spec": ["containers": [1]]], ["metadata": [], "spec": ["containers": [[:]]]],
            ["metadata": ["annotations": [1]], "spec": ["containers": []]],
            ["spec": ["containers": [["name": "a", "volumeMounts": 1]]]],
            ["spec": ["volumes": ["x"], "containers": []]],
            ["metadata": ["labels": ["a": 1]], "spec": ["containers": []]],
        ]
        for pod in pods {
            let answer = await injector.judge(try Reviews.request(Reviews.pod(pod)))
            #expect(answer.refusal?.message.contains("cannot be read") == true || answer == .allowed, "\(pod)")
        }
    }

    @Test("a profile that was created a moment ago is found, although the watch did not tell of it yet")
    func freshProfile() async throws {
        let profiles = GivenProfiles(unfollowed: try PodFiles.profiles.objects)
        let injector = PodInjector(settings: PodFiles.settings, authorities: nil, profiles: profiles)
        let pod = Self.pod(annotations: ["claviger.dev/inject": "files"])
        #expect(try await PodFiles.inject(pod, injector).answer.result == "patched")
    }

    @Test("a pod that is damaged in any way is left alone, injected for good, or refused with a reason")
    func damaged() async throws {
        let injector = try PodFiles.injector()
        let pods = try PodFiles.names.map(PodFiles.pod)
        var damage = PodDamage(seed: 7)
        var results: Set<String> = []
        for round in 0..<600 {
            var pod = JSONValue.object(pods[round % pods.count])
            for _ in 0...Int(damage.next() % 3) { pod = damage.damaged(pod) }
            guard let object = pod.objectValue else { continue }
            let (answer, injected): (AdmissionAnswer, JSONObject)
            do {
                (answer, injected) = try await PodFiles.inject(object, injector)
            } catch let error as AdmissionReviewError {
                // A review that cannot be read is none, and its write is refused.
                #expect(error.code == "malformed")
                continue
            }
            results.insert(answer.result)
            guard answer.refusal == nil else {
                #expect(answer.patch.isEmpty && answer.refusal?.message.isEmpty == false)
                continue
            }
            let again = try await PodFiles.inject(injected, injector)
            #expect(again.answer.refusal == nil && again.answer.patch.isEmpty, "\(pod)")
            guard !answer.patch.isEmpty else { continue }
            let first = injected["spec"]?["initContainers"]?.arrayValue?.first
            #expect(first?["name"] == "claviger-agent", "\(pod)")
            #expect(first?["image"]?.stringValue == PodFiles.settings.image, "\(pod)")
        }
        #expect(results == ["allowed", "patched", "refused"])
    }

    @Test("the agent itself reads every configuration that is injected")
    func configurationIsRead() async throws {
        let injector = try PodFiles.injector()
        let folder = FileManager.default.temporaryDirectory.appending(path: "claviger-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        var count = 0
        for name in try PodFiles.names {
            let (answer, pod) = try await PodFiles.inject(try PodFiles.pod(name), injector)
            guard !answer.patch.isEmpty else { continue }
            count += 1
            let text = try #require(pod["metadata"]?["annotations"]?["claviger.dev/agent-config"]?.stringValue)
            let path = folder.appending(path: "\(name).json")
            try text.write(to: path, atomically: true, encoding: .utf8)
            let file = try AgentFile(path: path.path)
            #expect(!file.values(of: "kbs-url").isEmpty, "\(name)")
        }
        #expect(count > 12)
    }
}

/// Damages documents, the same way at each run.
private struct PodDamage {
    private static let values: [JSONValue] = [
        .null, true, 0, -1, 4_294_967_295, "", "claviger-agent", "claviger-files-0", "/run/secrets/database", "true",
        [],
        [:], ["claviger-agent"], ["name": "claviger-agent"], .string(String(repeating: "a/../", count: 500)),
    ]
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        // SplitMix64.
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }

    mutating func damaged(_ value: JSONValue) -> JSONValue {
        let chance = next()
        switch value {
        case .object(var object) where !object.isEmpty && chance % 8 != 0:
            let name = object.names[Int(next() % UInt64(object.count))]
            object[name] = chance % 13 == 0 ? nil : damaged(object[name] ?? .null)
            return .object(object)
        case .array(var elements) where !elements.isEmpty && chance % 8 != 0:
            let place = Int(next() % UInt64(elements.count))
            if chance % 13 == 0 {
                elements.append(elements[place])
            } else {
                elements[place] = damaged(elements[place])
            }
            return .array(elements)
        default: return Self.values[Int(next() % UInt64(Self.values.count))]
        }
    }
}
