import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

/// Lines of the conformance checklist that are about policy, in terms of our documents.
@Suite("Conformance")
struct ConformanceTests {
    /// Appraises evidence and decides about a resource, as a broker does.
    private func release(
        _ bundle: PolicyBundle, _ inputs: [AppraisalInput] = [Fixture.input()], path: String = "default/key/1"
    ) throws -> Decision {
        let report = try bundle.appraisalReport(inputs, now: Fixture.now).get()
        return bundle.decide(
            Fixture.request(path, attestation: Fixture.attestation(report.appraisals), traces: report.traces))
    }

    /// A sample guest with init-data: the digest as the verifier states it, and the parsed document.
    private func withInitData(_ digest: String, _ document: JSONValue) -> AppraisalInput {
        var claims = Fixture.sampleClaims
        claims["init_data"] = .string(digest)
        return Fixture.input(.sample, claims, initData: document)
    }

    private func whoever(_ validation: String) throws -> PolicyBundle {
        try Fixture.bundle(
            Fixture.readyPolicy("default-cpu.yaml"),
            Fixture.clusterRelease(
                """
                  match: {resources: ["**"]}
                  validations:
                    - expression: >-
                        \(validation)
                """))
    }

    @Test("KBS 12.2.10: a policy compares the digest of the init-data, base64 for the sample attester")
    func initDataDigest() throws {
        let digest = "Dezz3tDYfsRHAscwD6w+uTa2jcpcn2td8fs0gMC1Jaw="
        let bundle = try whoever("claims.init_data == '\(digest)'")
        #expect(try release(bundle, [withInitData(digest, [:])]).allowed)
        #expect(
            try release(bundle, [withInitData("AAAA3tDYfsRHAscwD6w+uTa2jcpcn2td8fs0gMC1Jaw=", [:])]).allowed == false)
        #expect(try release(bundle).reason == .conditionError)
    }

    @Test("KBS 12.2.11: a policy reads the data hub's configuration from the init-data, line breaks included")
    func initDataConfiguration() throws {
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
        let bundle = try whoever(
            #"""
            claims.init_data_claims["cdh.toml"].image.extra_root_certificates[0]
                        == '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'
            """#)
        func document(_ text: String) -> JSONValue {
            ["cdh.toml": ["image": ["extra_root_certificates": [.string(text)]]]]
        }
        #expect(try release(bundle, [withInitData("AA==", document(certificate))]).allowed)
        #expect(try release(bundle, [withInitData("AA==", document("other"))]).reason == .conditionFalse)
        #expect(try release(bundle, [withInitData("AA==", [:])]).reason == .conditionError)
    }

    @Test("KBS 12.2.12: a policy reads what the agent policy in the init-data lets containers run")
    func initDataContainers() throws {
        let entry = "/opt/bitnami/scripts/nginx/entrypoint.sh"
        let bundle = try whoever(
            "claims.init_data_claims.agent_policy_claims.containers[1].OCI.Process.Args[0] == '\(entry)'")
        func document(_ command: String) -> JSONValue {
            func container(_ command: String) -> JSONValue { ["OCI": ["Process": ["Args": [.string(command)]]]] }
            return ["agent_policy_claims": ["containers": [container("/pause"), container(command)]]]
        }
        #expect(try release(bundle, [withInitData("AA==", document(entry))]).allowed)
        #expect(try release(bundle, [withInitData("AA==", document("/bin/sh"))]).reason == .conditionFalse)
    }

    @Test("KBS 12.6.36: an appraisal policy without rules is accepted under any name")
    func onlyDefaults() throws {
        let yaml = """
            apiVersion: claviger.dev/v1alpha1
            kind: AppraisalPolicy
            metadata: {name: some-other-id}
            spec: {class: cpu, defaults: {hardware: 97}}
            """
        let bundle = try Fixture.bundle(yaml)
        #expect(bundle.document("AppraisalPolicy/-/some-other-id") != nil)
        #expect(throws: AppraisalFailure.self) {
            try bundle.appraise([Fixture.input()], now: Fixture.now).get()
        }
    }

    @Test("KBS 12.7.37: a policy without conditions releases even to a contraindicated guest")
    func allowAttested() throws {
        let bundle = try Fixture.bundle(
            Fixture.readyPolicy("default-cpu.yaml"), Fixture.readyPolicy("allow-attested.yaml"))
        let decision = try release(bundle)
        #expect(decision.allowed)
        #expect(decision.trace.first?.policy == "ClusterReleasePolicy/-/allow-attested")
    }

    @Test("KBS 12.7.38: without a policy that allows, nothing is released")
    func denyAll() throws {
        let decision = try release(Fixture.bundle(Fixture.readyPolicy("default-cpu.yaml")))
        #expect(decision.reason == .noPolicies)
    }

    @Test("KBS 12.7.38: the policy that denies all denies what others allow")
    func denyAllPolicy() throws {
        let bundle = try Fixture.bundle(
            Fixture.readyPolicy("default-cpu.yaml"), Fixture.readyPolicy("allow-attested.yaml"),
            Fixture.readyPolicy("deny-all.yaml"))
        let decision = try release(bundle)
        #expect(decision.reason == .guardrailDenied)
        #expect(decision.message.hasPrefix("ClusterReleasePolicy/-/deny-all"))
    }

    @Test("KBS 12.9.59: allowed for all, for the kind of guest that asks, for another kind, and for nobody")
    func kinds() throws {
        func decide(_ tees: String?, _ more: String...) throws -> Bool {
            let require = tees.map { "\n  require: {tees: [\($0)]}" } ?? ""
            let policy = Fixture.clusterRelease("  match: {resources: [\"**\"]}" + require)
            let policies = [try Fixture.readyPolicy("default-cpu.yaml"), policy] + more
            return try release(Fixture.bundle(policies.joined(separator: "\n---\n"))).allowed
        }
        #expect(try decide(nil))
        #expect(try decide("sample"))
        #expect(try decide("snp") == false)
        #expect(throws: PolicyError.self) { try decide("samples") }
        #expect(try decide(nil, Fixture.readyPolicy("deny-all.yaml")) == false)
    }

    static let notContraindicated = Fixture.clusterRelease(
        """
          match: {resources: ["**"]}
          validations:
            - expression: "submods.cpu0.status != 'contraindicated'"
        """)

    @Test("KBS 12.7.39: a contraindicated guest is refused when there are no reference values")
    func contraindicated() throws {
        let bundle = try Fixture.bundle(Fixture.readyPolicy("default-cpu.yaml"), Self.notContraindicated)
        let decision = try release(bundle)
        #expect(decision.reason == .conditionFalse)
        #expect(
            decision.trace.first?.conditions.first?.measured.contains {
                $0.name == "submods.cpu0.status" && $0.value == "\"contraindicated\""
            } == true)
    }

    @Test("KBS 12.7.40: the same guest is served once its reference values are registered")
    func withReferenceValues() throws {
        let bundle = try Fixture.bundle(
            Fixture.readyPolicy("default-cpu.yaml"), Self.notContraindicated, registered: Fixture.sampleReferences)
        #expect(try release(bundle).allowed)
    }

    @Test("KBS 12.7.41: a device is appraised by a policy and reference values of its own")
    func device() throws {
        let policies = try [
            Fixture.readyPolicy("default-cpu.yaml"), Fixture.readyPolicy("development/default-gpu.yaml"),
            Fixture.readyPolicy("affirming-only.yaml"),
        ].joined(separator: "\n---\n")
        let inputs = [Fixture.input(), Fixture.input(.sampledevice, ["svn": "2", "report_data": "AA=="])]
        let without = try Fixture.bundle(policies, registered: Fixture.sampleReferences)
        let denied = try release(without, inputs)
        #expect(!denied.allowed)
        #expect(denied.reason == .missingReferenceValue)
        #expect(denied.message.contains("device_svn"))
        let with = try Fixture.bundle(policies, Fixture.readyPolicy("sample-reference-values.yaml"))
        #expect(try release(with, inputs).allowed)
    }

    private func table(_ validation: String, _ rows: [(path: String, plugin: String, allowed: Bool)]) throws {
        let policy = Fixture.clusterRelease(
            """
              match: {resources: ["**"], plugins: ["*"]}
              variables:
                - name: minimum
                  expression: "{'low': 1, 'high': 9}"
              validations:
                - expression: >-
                    \(validation)
            """)
        let bundle = try Fixture.bundle(policy)
        let appraisal = Fixture.appraisal(tee: .csv, claims: ["vm_id": "Alice", "version": "4"])
        for row in rows {
            let request = Fixture.request(
                row.path, plugin: row.plugin, attestation: Fixture.attestation([appraisal]))
            let decision = bundle.decide(request)
            #expect(decision.allowed == row.allowed, "\(row): \(decision.explanation())")
        }
    }

    @Test("KBS 12.7.44: a policy compares the path with claims")
    func pathAndClaims() throws {
        let validation =
            "request.plugin == 'resource' && size(request.path) == 3 && claims.csv.vm_id == request.path[1]"
        let rows = [
            ("myrepo/Alice/key", "resource", true), ("myrepo/Alice/key", "other", false),
            ("myrepo/Bob/key", "resource", false), ("Alice/Alice", "resource", false),
        ]
        try table(validation, rows)
        try table("\n\n\n                \(validation)\n\n", rows)
    }

    @Test("KBS 12.7.44: a condition that is false denies")
    func plainFalse() throws {
        try table("false", [("myrepo/Alice/key", "resource", false)])
    }

    @Test("KBS 12.7.44: what is not there makes a condition fail, not the decision")
    func minimumPerSecret() throws {
        try table(
            """
            request.plugin == 'resource' && request.path[0] == 'myrepo' && request.path[1] == 'secret'
                && variables.minimum[request.path[2]] <= int(claims.csv.version)
            """.replacingOccurrences(of: "\n", with: " "),
            [
                ("myrepo/secret/low", "resource", true), ("myrepo/secret/high", "resource", false),
                ("myrepo/secret/unknown", "resource", false), ("other/secret/low", "resource", false),
                ("", "other", false),
            ])
    }
}
