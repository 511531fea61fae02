import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

@Suite("Appraisal")
struct AppraisalTests {
    static let policy = """
        apiVersion: claviger.dev/v1alpha1
        kind: AppraisalPolicy
        metadata: {name: default-cpu}
        spec:
          class: cpu
          defaults: {executables: 33, hardware: 97}
          rules:
            - {tee: sample, claim: executables, value: 3, when: ["claims.launch_digest in reference('launch_digest')"]}
            - {tees: [sampledevice, sample], claim: executables, value: 4, when: ["has(claims.svn)"]}
            - {tee: sample, claim: executables, value: 5, when: []}
            - {tee: snp, claim: hardware, value: 2, when: []}
        """

    private func report(_ bundle: PolicyBundle, _ input: AppraisalInput = Fixture.input()) throws -> AppraisalReport {
        try bundle.appraisalReport([input], now: Fixture.now).get()
    }

    @Test("the first rule that holds gives the value; the others keep their defaults")
    func firstMatch() throws {
        let with = try report(Fixture.bundle(Self.policy, registered: Fixture.sampleReferences))
        #expect(with.appraisals.map(\.name) == ["cpu0"])
        #expect(with.appraisals[0].vector[.executables] == 3)
        #expect(with.appraisals[0].vector[.hardware] == 97)
        #expect(with.appraisals[0].vector[.configuration] == 0)
        #expect(with.appraisals[0].vector.json().count == 8)
        #expect(with.traces[0].rules.map(\.path) == ["spec.rules[0]"])
        let without = try report(Fixture.bundle(Self.policy))
        #expect(without.appraisals[0].vector[.executables] == 4)
        #expect(without.traces[0].rules.map(\.holds) == [false, true])
        #expect(without.traces[0].rules[0].conditions[0].reason == .missingReferenceValue)
        let snp = try report(Fixture.bundle(Self.policy), Fixture.input(.snp, ["measurement": "00"]))
        #expect(snp.appraisals[0].vector[.hardware] == 2)
        #expect(snp.appraisals[0].vector[.executables] == 33)
    }

    @Test(
        "hardware is graded no better than its verifier answers for, and the trace says so",
        arguments: [
            (TrustTier?.none, Int8(2), Int8(2)), (.affirming, 2, 2), (.warning, 2, 32), (.contraindicated, 2, 97),
            (.contraindicated, 36, 97), (.warning, 36, 36), (.warning, 99, 99), (.warning, 0, 32),
            (.contraindicated, 0, 97), (.affirming, 0, 0),
        ])
    func trustCap(cap: TrustTier?, graded: Int8, expected: Int8) throws {
        let policy = Self.policy.replacing("claim: hardware, value: 2", with: "claim: hardware, value: \(graded)")
        let input = AppraisalInput(
            claims: EvidenceClaims(tee: .snp, claims: ["measurement": "00"], matchedReportData: 0, trustCap: cap),
            runtimeDataClaims: Fixture.runtimeData, initDataClaims: nil)
        let report = try report(Fixture.bundle(policy), input)
        #expect(report.appraisals[0].vector[.hardware] == expected)
        #expect(report.traces[0].rules.contains { $0.path == "verifier" } == (expected != graded))
        #expect(try AppraisalTrace(json: report.traces[0].json()) == report.traces[0])
    }

    @Test("trace and report survive JSON")
    func json() throws {
        let trace = try report(Fixture.bundle(Self.policy)).traces[0]
        #expect(try AppraisalTrace(json: JSONValue(parsing: trace.json().serialized())) == trace)
        #expect(throws: DecisionFormatError.self) { try AppraisalTrace(json: ["submodule": 1]) }
    }

    @Test("devices are appraised by the policy of their class and counted per class")
    func devices() throws {
        let bundle = try Fixture.bundle(
            Fixture.readyPolicy("default-cpu.yaml"), Fixture.readyPolicy("development/default-gpu.yaml"),
            registered: ReferenceValues(["device_svn": ["2"]]))
        let device = Fixture.input(.sampledevice, ["svn": "2", "report_data": "AA=="])
        let found = try bundle.appraise([Fixture.input(), device, device], now: Fixture.now).get()
        #expect(found.map(\.name) == ["cpu0", "gpu0", "gpu1"])
        #expect(found.map(\.policyID) == ["default", "default", "default"])
        // A device is worth nothing beside a guest that must not be trusted, whatever its policy says.
        #expect(found.map(\.status) == [.contraindicated, .contraindicated, .contraindicated])
        #expect(found[1].vector[.hardware] == 97)
        let alone = try bundle.appraise([device], now: Fixture.now).get()
        #expect(alone.map(\.status) == [.affirming])
    }

    @Test("a class without a policy fails the whole attestation")
    func missingPolicy() throws {
        let bundle = try Fixture.bundle(Fixture.readyPolicy("default-cpu.yaml"))
        let device = Fixture.input(.sampledevice, ["svn": "2"])
        let result = bundle.appraise([Fixture.input(), device], now: Fixture.now)
        guard case .failure(let failure) = result else {
            Issue.record("appraised without a policy")
            return
        }
        #expect(failure.code == "no_appraisal_policy")
        #expect(failure.submodule == "gpu0")
        #expect(failure.message.contains("default-gpu"))
        guard case .failure(let none) = PolicyBundle.empty.appraise([Fixture.input()], now: Fixture.now) else {
            Issue.record("the empty bundle appraised")
            return
        }
        #expect(none.code == "no_appraisal_policy")
        guard case .failure(let nothing) = bundle.appraise([], now: Fixture.now) else {
            Issue.record("appraised nothing")
            return
        }
        #expect(nothing.code == "no_evidence")
    }

    @Test("grades and names are checked when the policy is read")
    func checked() {
        func places(_ rule: String) -> [String] {
            let yaml = Self.policy + "\n    - \(rule)"
            return Fixture.diagnostics(yaml).map { "\($0.code) \($0.path)" }
        }
        #expect(places("{tee: sample, claim: hardware, value: 128, when: []}") == ["invalid_value spec.rules[4].value"])
        #expect(
            places("{tee: sample, claim: hardware, value: -129, when: []}") == ["invalid_value spec.rules[4].value"])
        #expect(places("{tee: sample, claim: hardware, value: two, when: []}") == ["wrong_type spec.rules[4].value"])
        #expect(
            places("{tee: sample, claim: hardwear, value: 2, when: []}") == ["unknown_trust_claim spec.rules[4].claim"])
        #expect(places("{tee: samples, claim: hardware, value: 2, when: []}") == ["unknown_tee spec.rules[4].tee"])
        #expect(
            places("{tee: sample, claim: hardware, value: 2, when: [\"claims.lunch_digest == ''\"]}")
                == ["unknown_claim spec.rules[4].when[0]"])
        #expect(
            places("{tee: sample, claim: hardware, value: 2, when: [\"request.tenant == ''\"]}")
                == ["undeclared_variable spec.rules[4].when[0]"])
        #expect(
            places("{tee: sample, claim: hardware, value: 2, when: [\"reference(tee) == ''\"]}")
                == ["expression spec.rules[4].when[0]"])
    }

    @Test("KBS 12.2.13: verified init-data gives the identifiers of the containers")
    func identifiers() throws {
        func container(_ image: String?, _ uid: Int64?) -> JSONValue {
            var annotations: JSONObject = [:]
            if let image { annotations["io.kubernetes.cri.image-name"] = .string(image) }
            var user: JSONObject = [:]
            if let uid { user["UID"] = .int(uid) }
            return ["OCI": ["Annotations": .object(annotations), "Process": ["User": .object(user)]]]
        }
        var claims = Fixture.sampleClaims
        claims["init_data"] = "AA=="
        let initData: JSONValue = [
            "agent_policy_claims": [
                "containers": [container(nil, 65535), container("bitnami/nginx:latest", 1001), [:]]
            ]
        ]
        let bundle = try Fixture.bundle(Fixture.readyPolicy("default-cpu.yaml"))
        let found = try report(bundle, Fixture.input(.sample, claims, initData: initData)).appraisals[0]
        #expect(
            found.extensions["ear.trustee.identifiers"]
                == ["validated": ["container_images": ["bitnami/nginx:latest"], "container_uids": [65535, 1001]]])
        let without = try report(bundle)
        #expect(without.appraisals[0].extensions["ear.trustee.identifiers"] == ["validated": [:]])
        #expect(without.traces[0].omitted.count == 2)
    }

    @Test("an upload under a Trustee identifier means the policy of that class")
    func uploadNames() {
        #expect(PolicyBundle.appraisalPolicyName(uploadID: "default_cpu") == "default-cpu")
        #expect(PolicyBundle.appraisalPolicyName(uploadID: "default_nvidia-dpu") == "default-nvidia-dpu")
        #expect(PolicyBundle.appraisalPolicyName("default", .nvidiaDPU) == "default-nvidia-dpu")
    }
}
