import Encodings
import Foundation
import Policy
import RATS
import Testing

@testable import RegoImport

/// What an interpreter of Rego says of each policy and input.
enum Oracle {
    static let folder = Bundle.module.resourceURL?.appending(path: "Vectors") ?? URL(filePath: "/")

    static let verdicts: JSONValue = {
        let limits = JSONLimits(maximumBytes: 8 << 20)
        let bytes = (try? Data(contentsOf: folder.appending(path: "verdicts.json"))).map { Array($0) } ?? []
        return (try? JSONValue(parsing: bytes, limits: limits)) ?? .null
    }()

    static func rego(_ path: String) throws -> String {
        try String(contentsOf: folder.appending(path: path), encoding: .utf8)
    }

    static func releases(of policy: String) -> [JSONValue] {
        (verdicts["releases"]?.arrayValue ?? []).filter { $0["policy"]?.stringValue == policy }
    }

    static func appraisals(of policy: String) -> [JSONValue] {
        (verdicts["appraisals"]?.arrayValue ?? []).filter { $0["policy"]?.stringValue == policy }
    }
}

@Suite("Rego and its translation decide the same")
struct VerdictTests {
    private static let now = Date(timeIntervalSince1970: 1_767_225_600)

    @Test(
        "a resource policy allows what its Rego allows, and nothing else",
        arguments: ["allow_all", "deny_all", "default", "affirming", "every", "tenants", "violations", "older"])
    func resources(name: String) throws {
        let result = try RegoImport(Oracle.rego("resource/\(name).rego"), source: "\(name).rego", name: name)
        #expect(result.losses == [], "\(result.yaml)")
        let bundle = try PolicyBundle(result.documents)
        let cases = Oracle.releases(of: name)
        #expect(cases.count == 108)
        for item in cases {
            let token = try #require(Oracle.verdicts["tokens"]?[item["token"]?.stringValue ?? ""]?.objectValue)
            let query = (item["query"]?.objectValue ?? [:]).map { ($0.name, $0.value.stringValue ?? "") }
            let request = ReleaseRequest(
                operation: "get", plugin: item["plugin"]?.stringValue ?? "",
                path: (item["path"]?.arrayValue ?? []).compactMap(\.stringValue),
                query: Dictionary(uniqueKeysWithValues: query), attestation: try AttestationResult(earClaims: token),
                now: Self.now)
            let decision = bundle.decide(request)
            #expect(
                decision.allowed == item["allow"]?.boolValue,
                "\(item.serializedString())\n\(decision.explanation())\n\(result.yaml)")
        }
    }

    @Test("an attestation policy gives the grades that its Rego gives", arguments: ["default_cpu", "default_gpu"])
    func appraisals(name: String) throws {
        let result = try RegoImport(Oracle.rego("attestation/\(name).rego"), source: "\(name).rego", name: name)
        #expect(result.losses == [], "\(result.yaml)")
        let references = try #require(Oracle.verdicts["references"]?.objectValue)
        let registered = ReferenceValues(Dictionary(uniqueKeysWithValues: references.map { ($0.name, $0.value) }))
        let (known, unknown) = (
            try PolicyBundle(result.documents, registered: registered), try PolicyBundle(result.documents)
        )
        let cases = Oracle.appraisals(of: name)
        #expect(cases.count > 30)
        for item in cases {
            let tee = try #require(item["tee"]?.stringValue.flatMap(TEE.init(rawValue:)))
            let claims = EvidenceClaims(tee: tee, claims: item["claims"]?.objectValue ?? [:], matchedReportData: nil)
            let input = AppraisalInput(claims: claims, runtimeDataClaims: nil, initDataClaims: nil)
            let bundle = item["references"]?.boolValue == true ? known : unknown
            let vector = try bundle.appraise([input], now: Self.now).get()[0].vector
            for (claim, value) in item["trust"]?.objectValue ?? [:] {
                let found = try #require(TrustClaim(rawValue: claim).flatMap { vector[$0] })
                #expect(Int64(found) == value.intValue, "\(claim) of \(item.serializedString())")
            }
        }
    }

    @Test("the shipped attestation policy names the containers of verified init-data")
    func identifiers() throws {
        let result = try RegoImport(Oracle.rego("attestation/default_cpu.rego"), source: "a", name: "default_cpu")
        let containers: JSONValue = [
            ["OCI": ["Annotations": ["io.kubernetes.cri.image-name": "web"], "Process": ["User": ["UID": 7]]]]
        ]
        let input = AppraisalInput(
            claims: EvidenceClaims(tee: .sample, claims: ["init_data": "AA=="], matchedReportData: nil),
            runtimeDataClaims: nil, initDataClaims: ["agent_policy_claims": ["containers": containers]])
        let appraisal = try PolicyBundle(result.documents).appraise([input], now: Self.now).get()[0]
        #expect(
            appraisal.extensions == [
                "ear.trustee.identifiers": ["validated": ["container_images": ["web"], "container_uids": [7]]]
            ])
    }
}
