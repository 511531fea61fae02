import Encodings
import Foundation
import Testing

@testable import Controller
@testable import KubernetesTestSupport

/// Each pod of the folder `Pods`, and beside it what becomes of it. After a change that is wanted:
///
///     CLAVIGER_REGENERATE_PODS=1 swift test --filter PodGoldenTests
///
/// and look at the difference.
@Suite("Pods with and without an agent")
struct PodGoldenTests {
    private static let regenerates = ProcessInfo.processInfo.environment["CLAVIGER_REGENERATE_PODS"] != nil

    @Test("a pod is left alone, gets the agent, or is refused, as is written beside it; another pass changes nothing")
    func golden() async throws {
        let injector = try PodFiles.injector()
        let names = try PodFiles.names
        #expect(names.count >= 30)
        for name in names {
            let pod = try PodFiles.pod(name)
            let (answer, injected) = try await PodFiles.inject(pod, injector)
            let file = PodFiles.folder.appending(path: "\(name).out.json")
            let text = JSONValue.object(Self.outcome(answer, injected)).pretty() + "\n"
            if Self.regenerates { try text.write(to: file, atomically: true, encoding: .utf8) }
            #expect(try String(contentsOf: file, encoding: .utf8) == text, "\(name)")
            guard answer.refusal == nil else { continue }
            let (again, same) = try await PodFiles.inject(injected, injector)
            #expect(again.refusal == nil && again.patch.isEmpty && same == injected, "\(name), second pass")
            let (stored, _) = try await PodFiles.inject(Self.asStored(injected), injector)
            #expect(stored.refusal == nil && stored.patch.isEmpty, "\(name), as others have completed it")
        }
    }

    @Test("what was injected is first, native, restricted, and nothing of it comes from the pod")
    func shape() async throws {
        let injector = try PodFiles.injector()
        var count = 0
        for name in try PodFiles.names {
            let (answer, pod) = try await PodFiles.inject(try PodFiles.pod(name), injector)
            guard !answer.patch.isEmpty else { continue }
            count += 1
            let agent = try #require(pod["spec"]?["initContainers"]?.arrayValue?.first, "\(name)")
            #expect(agent["name"] == "claviger-agent" && agent["image"]?.stringValue == PodFiles.settings.image)
            #expect(agent["env"] == nil && agent["envFrom"] == nil && agent["lifecycle"] == nil)
            let security = try #require(agent["securityContext"])
            #expect(security["runAsNonRoot"] == true && security["readOnlyRootFilesystem"] == true)
            #expect(security["allowPrivilegeEscalation"] == false && security["privileged"] == nil)
            #expect(security["capabilities"] == ["drop": ["ALL"]])
            #expect(security["seccompProfile"] == ["type": "RuntimeDefault"])
            #expect(try #require(security["runAsUser"]?.intValue) > 0)
            if name != "init-only" {
                #expect(agent["restartPolicy"] == "Always" && agent["startupProbe"]?["exec"] != nil, "\(name)")
            }
            let volumes = pod["spec"]?["volumes"]?.arrayValue ?? []
            for volume in volumes where volume["name"]?.stringValue?.hasPrefix("claviger-files-") ?? false {
                #expect(volume["emptyDir"]?["medium"] == "Memory", "\(name)")
            }
        }
        #expect(count > 12)
    }

    private static func outcome(_ answer: AdmissionAnswer, _ pod: JSONObject) -> JSONObject {
        var outcome: JSONObject = ["result": .string(answer.result)]
        outcome["refusal"] = answer.refusal.map { .string($0.message) }
        if !answer.warnings.isEmpty { outcome["warnings"] = .array(answer.warnings.map { .string($0) }) }
        if !answer.patch.isEmpty { outcome["pod"] = .object(pod) }
        return outcome
    }

    /// The pod as it comes to a later pass: with the token of the service account, and a quantity in other words.
    static func asStored(_ pod: JSONObject) -> JSONObject {
        guard var containers = pod["spec"]?["initContainers"]?.arrayValue,
            var agent = containers.first?.objectValue, agent["name"] == "claviger-agent",
            var spec = pod["spec"]?.objectValue
        else { return pod }
        let token: JSONValue = [
            "name": "kube-api-access-x7k2p", "readOnly": true,
            "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
        ]
        agent["volumeMounts"] = .array((agent["volumeMounts"]?.arrayValue ?? []) + [token])
        agent["resources"] = [
            "limits": ["memory": "131072Ki", "cpu": "1"], "requests": ["memory": "48Mi", "cpu": "10m"],
        ]
        containers[0] = .object(agent)
        spec["initContainers"] = .array(containers)
        var result = pod
        result["spec"] = .object(spec)
        return result
    }
}
