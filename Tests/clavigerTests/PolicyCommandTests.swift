import ArgumentParser
import Encodings
import Foundation
import Policy
import PolicyTesting
import Testing

@testable import claviger

@Suite("policy commands without a broker")
struct PolicyCommandTests {
    private static let policy = """
        apiVersion: claviger.dev/v1alpha1
        kind: ReleasePolicy
        metadata: {name: keys, namespace: payments}
        spec:
          match: {resources: ["payments/image-key/*"]}
          validations: [{expression: "tee == 'snp'"}]
        """

    private static func tests(_ verdict: String, policies: String = "keys.yaml") -> String {
        """
        apiVersion: claviger.dev/v1alpha1
        kind: PolicyTest
        metadata: {name: keys}
        spec:
          policies: [\(policies)]
          cases:
            - name: a token
              token:
                iat: 1767225600
                exp: 1767229200
                submods:
                  cpu0: {ear.status: none, ear.veraison.annotated-evidence: {snp: {}}}
              request: {resource: payments/image-key/app}
              expect: {verdict: \(verdict)}
        """
    }

    private func folder(_ files: [String: String]) throws -> Scratch {
        let scratch = try Scratch()
        for (name, text) in files { try Data(text.utf8).write(to: URL(filePath: scratch.path + "/" + name)) }
        return scratch
    }

    /// The exit status of a command.
    private func status(_ arguments: String...) async -> Int32 { await status(arguments) }

    private func status(_ arguments: [String]) async -> Int32 {
        do {
            var command = try PolicyCommand.parseAsRoot(arguments)
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            return 0
        } catch let code as ExitCode {
            return code.rawValue
        } catch {
            return CommandFailure(describing: error)?.status.rawValue ?? -1
        }
    }

    @Test("policy test finds the tests of a folder with their policies, and fails for failures and for nothing to do")
    func testing() async throws {
        let good = try folder(["keys.yaml": Self.policy, "keys.test.yaml": Self.tests("Allow")])
        #expect(await status("test", good.path) == 0)
        #expect(await status("test", good.path, "--minimum-coverage", "50") == 0)
        #expect(await status("test", good.path, "--minimum-coverage", "51", "--coverage") == 1)
        #expect(await status("test", good.path, "--minimum-coverage", "101") != 0)
        let bad = try folder(["keys.yaml": Self.policy, "keys.test.yaml": Self.tests("Deny")])
        #expect(await status("test", bad.path, "--junit", bad.path + "/junit.xml", "-o", "json") == 1)
        #expect(try String(contentsOfFile: bad.path + "/junit.xml", encoding: .utf8).contains("failures=\"1\""))
        let empty = try folder(["keys.yaml": Self.policy])
        #expect(await status("test", empty.path) == 1)
        for broken in [Self.tests("Alow"), Self.tests("Allow", policies: "missing.yaml"), Self.policy] {
            let unusable = try folder(["keys.yaml": Self.policy, "keys.test.yaml": broken])
            #expect(await status("test", unusable.path) == 2)
        }
    }

    @Test("policy lint passes over tests, fails for errors, and for warnings only when it is strict")
    func lint() async throws {
        let clean = try folder(["keys.yaml": Self.policy, "keys.test.yaml": Self.tests("Allow")])
        #expect(await status("lint", clean.path, "--strict") == 0)
        let weak = try folder(["keys.yaml": Self.policy.replacing("tee == 'snp'", with: "true")])
        #expect(await status("lint", weak.path) == 0)
        #expect(await status("lint", weak.path, "--strict", "-o", "json") == 1)
        let wrong = try folder(["keys.yaml": Self.policy.replacing("tee ==", with: "tea ==")])
        #expect(await status("lint", wrong.path) == 1)
        let expected = try folder(["resources.txt": "# ours\npayments/image-key/app\n\nother/a/b # theirs\n"])
        let list = try ResourceList.read(expected.path + "/resources.txt")
        #expect(list.map(\.path) == ["payments/image-key/app", "other/a/b"])
        #expect(list.map(\.line) == [2, 4])
        #expect(await status("lint", clean.path, "--strict", "--resources", expected.path + "/resources.txt") == 1)
    }

    @Test("policy explain says what would come of evidence or a token under files alone")
    func explain() async throws {
        let files = try folder([
            "keys.yaml": Self.policy,
            "default-cpu.yaml": """
            apiVersion: claviger.dev/v1alpha1
            kind: AppraisalPolicy
            metadata: {name: default-cpu}
            spec: {class: cpu, rules: []}
            """,
            "snp.yaml": "{tee: snp, claims: {}}", "tdx.json": "[{\"tee\": \"tdx\", \"claims\": {}}]",
            "token.json": """
            {"iat": 1767225600, "exp": 1767229200, "submods":
             {"cpu0": {"ear.status": "none", "ear.veraison.annotated-evidence": {"snp": {}}}}}
            """,
        ])
        func asked(_ option: String, _ file: String) async -> Int32 {
            await status(
                "explain", "--resource", "payments/image-key/app", option, files.path + "/" + file, "--only", "-f",
                files.path + "/keys.yaml", files.path + "/default-cpu.yaml")
        }
        #expect(await asked("--claims", "snp.yaml") == 0)
        #expect(await asked("--claims", "tdx.json") == 2)
        #expect(await asked("--token", "token.json") == 0)
        #expect(await status("explain", "--claims", files.path + "/snp.yaml") != 0)
    }

    @Test("policy explain takes the protocol version that the guest is to have attested with")
    func explainProtocol() async throws {
        let files = try folder([
            "keys.yaml": Self.policy.replacing("tee == 'snp'", with: "attestation.protocol == '0.4.0'"),
            "default-cpu.yaml": """
            apiVersion: claviger.dev/v1alpha1
            kind: AppraisalPolicy
            metadata: {name: default-cpu}
            spec: {class: cpu, rules: []}
            """,
            "snp.yaml": "{tee: snp, claims: {}}",
        ])
        func asked(_ options: String...) async -> Int32 {
            await status(
                ["explain", "--resource", "payments/image-key/app"] + options
                    + ["--only", "-f", files.path + "/keys.yaml", files.path + "/default-cpu.yaml"])
        }
        let claims = files.path + "/snp.yaml"
        #expect(await asked("--claims", claims, "--protocol", "0.4.0") == 0)
        #expect(await asked("--claims", claims, "--protocol", "0.2.0") == 2)
        #expect(await asked("--claims", claims) == 2)
        #expect(![0, 2].contains(await asked("--claims", claims, "--protocol", "new")))
        #expect(![0, 2].contains(await asked("--token", claims, "--protocol", "0.4.0")))
    }

    @Test("policy replay says how many rows could not be read, and what cannot be told")
    func replayText() throws {
        let documents = try PolicyParser.parse(Self.policy, source: "keys.yaml")
        var replay = PolicyReplay(under: try PolicyBundle(documents), gradesAgain: false)
        replay.add(record: ["id": "1", "at": "2026-01-01T00:00:00Z", "path": "a/b/c", "trace": [:]])
        replay.add(record: ["id": "2", "trace": ["stage": "verification"]])
        let text = ReplayText(replay: replay).text()
        #expect(text.contains("1 of 1 rows could not be read:\n  1 times: Its member 'trace'"))
        #expect(text.hasSuffix("0 requests: 0 would change, 0 stay allowed, 0 stay denied"))
    }

    @Test("policy import rego has a status of its own for what it could not carry over")
    func importing() async throws {
        let files = try folder([
            "all.rego": "package policy\nallow if data.plugin == \"resource\"",
            "some.rego": "package policy\nallow if time.now_ns() > 5", "none.rego": "package policy\nallow if {",
        ])
        #expect(await status("import", "rego", files.path + "/all.rego") == 0)
        #expect(await status("import", "rego", files.path + "/some.rego") == 3)
        #expect(await status("import", "rego", files.path + "/none.rego") == 1)
        #expect(await status("import", "rego", files.path + "/all.rego", "--class", "toaster") != 0)
    }

    @Test("values differ field by field")
    func differences() {
        let old: JSONValue = ["a": 1, "b": ["x", "y"], "c": ["d": true], "gone": "z"]
        let new: JSONValue = ["a": 1, "b": ["x", "z", "w"], "c": ["d": false], "new": ["e": 1]]
        #expect(
            ValueDifference(old: old, new: new).text() == """
                ~ b[1]: "y" -> "z"
                + b[2]: "w"
                ~ c.d: true -> false
                - gone: "z"
                + new: {"e":1}

                """)
        #expect(ValueDifference(old: old, new: old).changes.isEmpty)
    }
}
