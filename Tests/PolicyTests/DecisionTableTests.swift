import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

@Suite("Release decisions")
struct DecisionTableTests {
    struct Row: Sendable, CustomTestStringConvertible {
        let name: String
        let spec: String
        var request: ReleaseRequest = Fixture.request()
        let reason: DecisionReason
        var testDescription: String { name }
    }

    static let anything = "  match: {resources: [\"payments/**\"]}\n"

    static let rows: [Row] = [
        Row(name: "no conditions", spec: anything, reason: .allowed),
        Row(name: "another type", spec: "  match: {resources: [\"payments/tls/*\"]}", reason: .noMatchingPolicy),
        Row(
            name: "one star is one segment", spec: "  match: {resources: [\"payments/*/app\"]}", reason: .allowed),
        Row(
            name: "one star is not two segments", spec: "  match: {resources: [\"payments/image-key/*\"]}",
            request: Fixture.request("payments/image-key/a/b"), reason: .noMatchingPolicy),
        Row(
            name: "another operation", spec: anything, request: Fixture.request(operation: "delete"),
            reason: .noMatchingPolicy),
        Row(
            name: "another plugin", spec: anything, request: Fixture.request(plugin: "pkcs11"),
            reason: .noMatchingPolicy),
        Row(name: "the TEE is named", spec: anything + "  require: {tees: [snp, sample]}", reason: .allowed),
        Row(name: "the TEE is not named", spec: anything + "  require: {tees: [snp]}", reason: .conditionFalse),
        Row(
            name: "affirming grades",
            spec: anything + "  require: {trust: {hardware: affirming, executables: affirming}}",
            reason: .allowed),
        Row(
            name: "a grade nobody gave is not affirming",
            spec: anything + "  require: {trust: {file-system: affirming}}", reason: .conditionFalse),
        Row(
            name: "a grade nobody gave is none", spec: anything + "  require: {trust: {file-system: none}}",
            reason: .allowed),
        Row(
            name: "a warning is not affirming", spec: anything + "  require: {trust: {executables: affirming}}",
            request: Fixture.request(attestation: Fixture.attestation([Fixture.appraisal(vector: [.executables: 33])])),
            reason: .conditionFalse),
        Row(
            name: "a warning is accepted", spec: anything + "  require: {trust: {executables: warning}}",
            request: Fixture.request(attestation: Fixture.attestation([Fixture.appraisal(vector: [.executables: 33])])),
            reason: .allowed),
        Row(
            name: "nothing said is no warning", spec: anything + "  require: {trust: {storage-opaque: warning}}",
            reason: .conditionFalse),
        Row(
            name: "contraindicated is never accepted", spec: anything + "  require: {trust: {hardware: warning}}",
            request: Fixture.request(attestation: Fixture.attestation([Fixture.appraisal(vector: [.hardware: 97])])),
            reason: .conditionFalse),
        Row(name: "affirming status", spec: anything + "  require: {status: affirming}", reason: .allowed),
        Row(
            name: "one device spoils the status", spec: anything + "  require: {status: affirming}",
            request: Fixture.request(
                attestation: Fixture.attestation([
                    Fixture.appraisal(),
                    Fixture.appraisal("gpu0", tee: .sampledevice, deviceClass: .gpu, vector: [.hardware: 97]),
                ])), reason: .conditionFalse),
        Row(name: "fresh", spec: anything + "  require: {maxEvidenceAge: 10s}", reason: .allowed),
        Row(
            name: "stale", spec: anything + "  require: {maxEvidenceAge: 10m}",
            request: Fixture.request(attestation: Fixture.attestation(age: 601)), reason: .staleEvidence),
        Row(
            name: "from the future", spec: anything + "  require: {maxEvidenceAge: 10m}",
            request: Fixture.request(attestation: Fixture.attestation(age: -120)), reason: .staleEvidence),
        Row(name: "new enough protocol", spec: anything + "  require: {minProtocol: \"0.4.0\"}", reason: .allowed),
        Row(
            name: "old protocol", spec: anything + "  require: {minProtocol: \"0.4.0\"}",
            request: Fixture.request(attestation: Fixture.attestation(protocolVersion: "0.2.0")),
            reason: .conditionFalse),
        Row(
            name: "unknown protocol", spec: anything + "  require: {minProtocol: \"0.1.0\"}",
            request: Fixture.request(attestation: Fixture.attestation(protocolVersion: nil)), reason: .conditionFalse),
        Row(
            name: "init-data is asked for and absent", spec: anything + "  require: {initData: {required: true}}",
            reason: .conditionFalse),
        Row(
            name: "no attester", spec: anything, request: Fixture.request(attestation: Fixture.attestation([])),
            reason: .noAttester),
    ]

    @Test("the golden table of requirements", arguments: rows)
    func table(_ row: Row) throws {
        let decision = try Fixture.bundle(Fixture.release(row.spec)).decide(row.request)
        #expect(decision.reason == row.reason, "\(decision.explanation())")
        #expect(decision.allowed == (row.reason == .allowed))
    }

    static let expressions: [(String, DecisionReason)] = [
        ("tee == 'sample' && status == 'affirming'", .allowed),
        ("claims.sample.platform_version.minor >= 4", .allowed),
        ("claims.sample.platform_version.minor >= 5", .conditionFalse),
        ("trust.hardware == 2 && trust['hardware'] < 32", .allowed),
        ("trust['file-system'] == 0", .conditionError),
        ("request.tenant == 'payments' && request.path[1] == 'image-key' && size(request.path) == 3", .allowed),
        ("request.resource == 'payments/image-key/app' && request.plugin == 'resource'", .allowed),
        ("request.operation == 'get' && !('mode' in request.query)", .allowed),
        ("attestation.issuer == 'claviger' && attestation.protocol == '0.4.0'", .allowed),
        ("attestation.age < duration('6s') && attestation.age > duration('4s')", .allowed),
        ("now > timestamp('2025-10-14T07:00:00Z') && now < timestamp('2025-10-14T08:00:00Z')", .allowed),
        ("submods.cpu0.status == 'affirming' && submods.cpu0.trust.hardware == 2", .allowed),
        ("submods.all(name, submods[name].status == 'affirming')", .allowed),
        ("submods.gpu0.status == 'affirming'", .conditionError),
        ("has(submods.gpu0) && submods.gpu0.status == 'affirming'", .conditionFalse),
        ("submods.cpu0.claims.sample.svn == '1' && submods.cpu0.class == 'cpu'", .allowed),
        ("claims.snp.policy_debug_allowed == false || tee != 'snp'", .allowed),
        ("claims.snp.policy_debug_allowed == false", .conditionError),
        ("!has(claims.snp)", .allowed),
        ("claims.runtime_data_claims.nonce != ''", .allowed),
        ("dyn(claims.sample.svn)", .conditionError),
        ("'1' in reference('svn')", .missingReferenceValue),
        ("1 / 0 == 1", .conditionError),
    ]

    @Test("expressions see the claims, the grades, the request and the time", arguments: expressions)
    func expression(_ row: (String, DecisionReason)) throws {
        let decision = try Fixture.decide(validation: row.0)
        #expect(decision.reason == row.1, "\(row.0): \(decision.explanation())")
    }

    @Test("a reference value can be asked for in a release policy")
    func reference() throws {
        let decision = try Fixture.decide(
            validation: "claims.sample.svn in reference('svn') && \"abcde\" in reference( \"launch_digest\" )",
            registered: Fixture.sampleReferences)
        #expect(decision.allowed, "\(decision.explanation())")
    }

    @Test("variables build on each other, and one that fails makes its users fail")
    func variables() throws {
        let spec = """
              match: {resources: ["payments/**"]}
              variables:
                - {name: minor, expression: "claims.sample.platform_version.minor"}
                - {name: next, expression: "variables.minor + 1"}
                - {name: broken, expression: "claims.snp.measurement"}
              validations:
                - {expression: "variables.next == 5"}
                - {expression: "variables.broken == '' || true"}
            """
        let decision = try Fixture.bundle(Fixture.release(spec)).decide(Fixture.request())
        #expect(decision.trace.first?.conditions.map(\.outcome) == [.met, .error])
        #expect(decision.reason == .conditionError)
    }

    @Test("init-data digests match padded and cut fields, and nothing else")
    func initDataDigests() throws {
        let sha256 = String(repeating: "ab", count: 32)
        let sha384 = String(repeating: "cd", count: 48)
        let spec =
            "  match: {resources: [\"payments/**\"]}\n  require: {initData: {digests: [\"\(sha256)\", \"\(sha384)\"]}}"
        let bundle = try Fixture.bundle(Fixture.release(spec))
        func decide(_ tee: TEE, _ claim: String) -> Bool {
            var claims = Fixture.sampleClaims
            claims["init_data"] = .string(claim)
            let appraisal = Fixture.appraisal(tee: tee, claims: claims, initData: ["version": "0.1.0"])
            return bundle.decide(Fixture.request(attestation: Fixture.attestation([appraisal]))).allowed
        }
        #expect(decide(.snp, sha256))
        #expect(decide(.tdx, sha256 + String(repeating: "00", count: 16)))
        #expect(decide(.tdx, sha384))
        #expect(decide(.snp, String(sha384.prefix(64))))
        // SHA-256 over 32 zero bytes and 32 bytes AB, as PCR 8 holds it.
        #expect(decide(.azSNPvTPM, "debb3e7acfff6dd18d501042273629f0b79cb206bb8c24f59f62ddb80849403b"))
        #expect(!decide(.azTDXvTPM, sha256))
        #expect(decide(.sample, Base64.encode([UInt8](repeating: 0xAB, count: 32))))
        #expect(!decide(.snp, String(sha256.prefix(62))))
        #expect(!decide(.snp, String(repeating: "00", count: 32)))
        #expect(!decide(.tdx, sha256 + String(repeating: "01", count: 16)))
        #expect(!decide(.snp, ""))
    }

    @Test("guardrails limit what other policies allow, on every plugin")
    func guardrails() throws {
        let allow = Fixture.clusterRelease("  match: {resources: [\"**\"], plugins: [\"*\"]}")
        let guardrail = Fixture.clusterRelease(
            """
              effect: Guardrail
              match: {resources: ["**"]}
              require: {tees: [snp]}
            """, name: "only-snp")
        let bundle = try Fixture.bundle(allow, guardrail)
        for plugin in ["resource", "pkcs11"] {
            let decision = bundle.decide(Fixture.request(plugin: plugin))
            #expect(decision.reason == .guardrailDenied)
            #expect(decision.trace.map(\.policy) == ["ClusterReleasePolicy/-/all", "ClusterReleasePolicy/-/only-snp"])
        }
        #expect(try Fixture.bundle(guardrail).decide(Fixture.request()).reason == .noPolicies)
    }

    @Test("the nearest policy is the one with the fewest failed conditions")
    func nearest() throws {
        let far = Fixture.release(
            "  match: {resources: [\"payments/**\"]}\n  require: {tees: [snp], minProtocol: \"9.0.0\"}", name: "far")
        let near = Fixture.release("  match: {resources: [\"payments/**\"]}\n  require: {tees: [tdx]}", name: "near")
        let decision = try Fixture.bundle(far, near).decide(Fixture.request())
        #expect(decision.nearest == "ReleasePolicy/payments/near")
        #expect(decision.message.hasPrefix("ReleasePolicy/payments/near: "))
        #expect(decision.trace.count == 2)
    }
}
