import Encodings
import Foundation
import KubernetesTestSupport
import Policy
import Testing

@testable import Controller

@Suite("Objects of claviger.dev before they are stored")
struct ObjectValidatorTests {
    private static let validator = ObjectValidator(
        settings: PodFiles.settings, now: { Date(timeIntervalSince1970: 1_800_000_000) })

    private static func object(_ yaml: String) throws -> JSONObject {
        try #require(try YAMLObjects.objects(in: yaml).first)
    }

    private static func judge(
        _ yaml: String, replacing old: String? = nil, change: (inout JSONObject) -> Void = { _ in }
    ) throws -> AdmissionAnswer {
        var object = try object(yaml)
        change(&object)
        return validator.judge(try Reviews.request(Reviews.object(object, old: try old.map(Self.object))))
    }

    private static func policy(
        _ expression: String, resource: String = "payments/image-key/*", namespace: String = "payments"
    ) -> String {
        """
        apiVersion: claviger.dev/v1alpha1
        kind: ReleasePolicy
        metadata: {name: image-keys, namespace: \(namespace)}
        spec:
          match: {resources: ["\(resource)"], operations: ["get"]}
          require: {tees: ["snp"], status: affirming}
          validations: [{expression: "\(expression)", message: "no"}]
        """
    }

    @Test("every example of the repository is taken, as the API server would send it")
    func examples() throws {
        let root = PodFiles.folder.deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appending(path: "Policies")
        let files = try #require(FileManager.default.enumerator(at: root, includingPropertiesForKeys: nil))
        var kinds: Set<String> = []
        for case let file as URL in files where file.pathExtension == "yaml" {
            for object in try YAMLObjects.objects(in: String(contentsOf: file, encoding: .utf8)) {
                guard object["apiVersion"] == "claviger.dev/v1alpha1",
                    Policy.ResourceKind(rawValue: object["kind"]?.stringValue ?? "") != nil
                else { continue }
                kinds.insert(object["kind"]?.stringValue ?? "")
                var stored = object
                var metadata = object["metadata"]?.objectValue ?? [:]
                metadata["uid"] = "u"
                metadata["managedFields"] = [["manager": "kubectl"]]
                stored["metadata"] = .object(metadata)
                let answer = Self.validator.judge(try Reviews.request(Reviews.object(stored)))
                #expect(answer.refusal == nil, "\(file.lastPathComponent): \(answer.refusal?.message ?? "")")
            }
        }
        #expect(kinds.count >= 6)
    }

    @Test(
        "1.2.14, A31: an expression that does not compile is refused before anything is rolled out, with field and hint"
    )
    func compiles() throws {
        #expect(try Self.judge(Self.policy("claims.snp.vmpl == 0")).refusal == nil)
        let misspelt = try Self.judge(Self.policy("claims.snp.vmlp == 0"))
        #expect(misspelt.refusal?.status == 422)
        #expect(misspelt.refusal?.causes.first?.field == "spec.validations[0].expression")
        #expect(misspelt.refusal?.message.contains("vmpl") == true)
        #expect(try Self.judge(Self.policy("claims.snp.vmpl ==")).refusal != nil)
    }

    @Test("1.2.2: a word that is not known is refused and means nothing else")
    func unknownWords() throws {
        let yaml = Self.policy("true").replacingOccurrences(of: "spec:\n", with: "spec:\n  effect: allow\n")
        #expect(try Self.judge(yaml).refusal?.causes.contains { $0.field == "spec.effect" } == true)
        let field = Self.policy("true").replacingOccurrences(of: "  require:", with: "  requires:")
        #expect(try Self.judge(field).refusal != nil)
    }

    @Test("A47: a policy that names resources of another namespace is refused")
    func foreignResources() throws {
        #expect(
            try Self.judge(Self.policy("true", resource: "other/image-key/*")).refusal?.message.contains("payments")
                == true)
        // The object's own word about its namespace does not count, the API server's does.
        var object = try Self.object(Self.policy("true", resource: "other/image-key/*", namespace: "other"))
        var review = Reviews.object(object)
        var request = try #require(review["request"]?.objectValue)
        request["namespace"] = "payments"
        review["request"] = .object(request)
        #expect(Self.validator.judge(try Reviews.request(review)).refusal != nil)
        object["kind"] = "ClusterReleasePolicy"
        object["metadata"] = ["name": "all"]
        #expect(Self.validator.judge(try Reviews.request(Reviews.object(object))).refusal == nil)
    }

    @Test("findings of the linter become warnings")
    func lint() throws {
        let answer = try Self.judge(Self.policy("true"))
        #expect(answer.refusal == nil)
        #expect(answer.warnings.contains { $0.contains("constant_condition") })
        let secret = """
            apiVersion: claviger.dev/v1alpha1
            kind: BrokeredSecret
            metadata: {name: database, namespace: payments}
            spec:
              path: {type: database, tag: password}
              secretRef: {name: database, key: password}
            """
        #expect(try Self.judge(secret).warnings.contains { $0.contains("in the clear") })
    }

    @Test("1.2.10: deletions, status and finalizers of what is stored are never refused, however wrong it is")
    func lettingGo() throws {
        let broken = Self.policy("claims.snp.nothing == 0")
        #expect(try Self.judge(broken, replacing: broken).refusal == nil)
        let deleting = try Self.judge(broken, replacing: broken) { object in
            var metadata = object["metadata"]?.objectValue ?? [:]
            metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
            metadata["finalizers"] = nil
            object["metadata"] = .object(metadata)
        }
        #expect(deleting.refusal == nil && !deleting.warnings.isEmpty)
        #expect(try Self.judge(broken, replacing: Self.policy("true")).refusal != nil)
        let object = try Self.object(broken)
        for review in [
            Reviews.object(object, operation: "DELETE"),
            Reviews.object(object, old: object, operation: "UPDATE", subresource: "status"),
        ] {
            #expect(Self.validator.judge(try Reviews.request(review)) == .allowed)
        }
    }

    @Test("a name that is still to be made is no reason to refuse")
    func generatedName() throws {
        let answer = try Self.judge(Self.policy("claims.snp.vmpl == 0")) { object in
            object["metadata"] = ["generateName": "image-keys-", "namespace": "payments"]
        }
        #expect(answer.refusal == nil)
    }

    @Test("an AgentProfile that no pod could use is refused, with what to do")
    func profiles() throws {
        func profile(_ spec: String) -> String {
            """
            apiVersion: claviger.dev/v1alpha1
            kind: AgentProfile
            metadata: {name: p, namespace: payments}
            spec:
              broker: {urls: ["https://b.example"]}
            \(spec.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n"))
            """
        }
        let file = "{uri: kbs:///payments/a/b"
        for (spec, field) in [
            ("files: [\(file), path: /etc/b}]", "spec.files[0].path"),
            ("files: [\(file), path: /b}]", "spec.files[0].path"),
            ("files: [\(file), path: /proc/self/b}]", "spec.files[0].path"), ("socket: /run/agent.sock", "spec.socket"),
            ("files: [\(file), path: /run/a/b, mode: \"0460\"}]", "spec.files[0].mode"),
            ("files: [\(file), path: /run/a/b, mode: \"0040\"}]", "spec.files[0].mode"),
            ("files: [\(file), path: /run/a/b, refreshInterval: 1h, lease: 30m}]", "spec.files[0].lease"),
            ("files: [\(file), path: /run/a/b, user: 0}]", "spec.files[0].user"),
            ("files: [\(file), path: /run/a/b, user: 1}, \(file), path: /run/a/c, user: 2}]", "spec.files"),
            ("mode: InitOnly", "spec.files"), ("container: {image: other}", "spec.container.image"),
        ] {
            let refusal = try Self.judge(profile(spec)).refusal
            #expect(refusal?.causes.first?.field == field, "\(spec): \(refusal?.message ?? "taken")")
        }
        #expect(try Self.judge(profile("files: [\(file), path: /run/a/b, mode: \"0440\", group: 7}]")).refusal == nil)
    }

    @Test("what is no object of the group is refused: the configuration sends what it must not")
    func othersObjects() throws {
        let answer = Self.validator.judge(try Reviews.request(Reviews.pod(["spec": [:]])))
        #expect(answer.refusal?.status == 403)
        var wrong = try Self.object(Self.policy("true"))
        wrong["kind"] = "AppraisalPolicy"
        var review = Reviews.object(wrong)
        var request = try #require(review["request"]?.objectValue)
        request["kind"] = ["group": "claviger.dev", "version": "v1alpha1", "kind": "ReleasePolicy"]
        review["request"] = .object(request)
        #expect(Self.validator.judge(try Reviews.request(review)).refusal != nil)
    }
}
