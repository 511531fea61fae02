import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

@Suite("Ready policies")
struct ReadyPoliciesTests {
    private func files() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: Fixture.policiesFolder.path).filter {
            $0.hasSuffix(".yaml")
        }.sorted()
    }

    @Test("every file can be read, and all of them together make a bundle")
    func all() throws {
        let names = try files()
        #expect(names.count >= 7)
        var documents: [PolicyDocument] = []
        for name in names { documents += try PolicyParser.parse(Fixture.readyPolicy(name), source: name) }
        let bundle = try PolicyBundle(documents)
        #expect(bundle.documents.count == documents.count)
    }

    @Test("every file is explained in the README, and is named as its document")
    func named() throws {
        let readme = try Fixture.readyPolicy("README.md")
        for name in try files() {
            #expect(readme.contains("`\(name)`"), "\(name)")
            if name == "sample-reference-values.yaml" { continue }
            let documents = try PolicyParser.parse(Fixture.readyPolicy(name), source: name)
            #expect(documents.map { $0.name + ".yaml" } == [name])
        }
    }

    @Test("nothing but the explicit files releases anything")
    func denyByDefault() throws {
        let bundle = try Fixture.bundle(
            Fixture.readyPolicy("default-cpu.yaml"), Fixture.readyPolicy("default-gpu.yaml"),
            Fixture.readyPolicy("no-debug-guests.yaml"), Fixture.readyPolicy("sample-reference-values.yaml"))
        #expect(bundle.decide(Fixture.request()).reason == .noPolicies)
    }

    @Test("the sample attester's grades are those of Trustee's default policy")
    func sampleGrades() throws {
        let bundle = try Fixture.bundle(Fixture.readyPolicy("default-cpu.yaml"), registered: Fixture.sampleReferences)
        func grades(_ change: (inout AppraisalInput) -> Void = { _ in }) throws -> [Int8?] {
            var input = Fixture.input()
            change(&input)
            let vector = try bundle.appraise([input], now: Fixture.now).get()[0].vector
            return [vector[.executables], vector[.hardware], vector[.configuration], vector[.instanceIdentity]]
        }
        func with(_ name: String, _ value: JSONValue) -> (inout AppraisalInput) -> Void {
            { input in
                var claims = Fixture.sampleClaims
                claims[name] = value
                input = Fixture.input(.sample, claims)
            }
        }
        #expect(try grades() == [3, 2, 2, 0])
        #expect(try grades(with("launch_digest", "other")) == [33, 2, 2, 0])
        #expect(try grades(with("svn", "0")) == [3, 97, 2, 0])
        #expect(try grades(with("platform_version", ["major": 2, "minor": 4])) == [3, 97, 2, 0])
        #expect(try grades(with("platform_version", ["major": 1, "minor": 0])) == [3, 97, 2, 0])
        #expect(try grades(with("debug", true)) == [3, 2, 36, 0])
        #expect(try grades { $0 = Fixture.input(.snp, ["measurement": "00"]) } == [33, 97, 36, 0])
    }

    @Test("the debug guardrail denies debug guests and nobody else")
    func debugGuardrail() throws {
        let bundle = try Fixture.bundle(
            Fixture.readyPolicy("allow-attested.yaml"), Fixture.readyPolicy("no-debug-guests.yaml"))
        func decide(_ tee: TEE, _ claims: JSONObject) -> DecisionReason {
            let appraisal = Fixture.appraisal(tee: tee, claims: claims)
            return bundle.decide(Fixture.request(attestation: Fixture.attestation([appraisal]))).reason
        }
        #expect(decide(.snp, ["policy_debug_allowed": false]) == .allowed)
        #expect(decide(.snp, ["policy_debug_allowed": true]) == .guardrailDenied)
        #expect(decide(.snp, [:]) == .guardrailDenied)
        #expect(decide(.tdx, ["td_attributes": ["debug": false]]) == .allowed)
        #expect(decide(.tdx, ["td_attributes": ["debug": true]]) == .guardrailDenied)
        #expect(decide(.azSNPvTPM, ["policy_debug_allowed": "false"]) == .allowed)
        #expect(decide(.azSNPvTPM, ["policy_debug_allowed": "true"]) == .guardrailDenied)
        #expect(decide(.azTDXvTPM, ["td_attributes": ["debug": true]]) == .guardrailDenied)
        #expect(decide(.sample, ["debug": true]) == .guardrailDenied)
        #expect(decide(.sample, ["debug": false]) == .allowed)
    }

    @Test("the payment keys go to affirmed guests that are not debug guests")
    func imageKeys() throws {
        let bundle = try Fixture.bundle(Fixture.readyPolicy("image-keys.yaml"))
        func decide(
            _ debug: Bool, _ vector: [TrustClaim: Int8] = [.executables: 3, .hardware: 2, .configuration: 2],
            age: TimeInterval = 1
        ) -> Decision {
            let appraisal = Fixture.appraisal(tee: .snp, vector: vector, claims: ["policy_debug_allowed": .bool(debug)])
            return bundle.decide(Fixture.request(attestation: Fixture.attestation([appraisal], age: age)))
        }
        #expect(decide(false).allowed)
        #expect(decide(true).message == "ReleasePolicy/payments/image-keys: debug guests never get payment keys")
        #expect(decide(false, [.executables: 33, .hardware: 2, .configuration: 2]).reason == .conditionFalse)
        #expect(decide(false, age: 601).reason == .staleEvidence)
        #expect(bundle.decide(Fixture.request()).reason == .conditionFalse)
    }
}
