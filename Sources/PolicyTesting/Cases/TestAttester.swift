import Encodings
import Policy
import RATS

/// One attester of a test: claims as its verifier would have found them.
struct TestAttester: Sendable {
    let tee: TEE
    let deviceClass: DeviceClass
    let policyID: String
    var claims: JSONObject
    let initData: JSONValue?
    let runtimeData: JSONValue?
    let platform: JSONObject?

    var input: AppraisalInput {
        AppraisalInput(
            claims: EvidenceClaims(tee: tee, deviceClass: deviceClass, claims: claims, matchedReportData: nil),
            runtimeDataClaims: runtimeData, initDataClaims: initData, platformClaims: platform, policyID: policyID)
    }

    static func readList(_ field: Field) -> [TestAttester] {
        (field.items(maximum: 64) ?? []).compactMap(read)
    }

    static func read(_ field: Field) -> TestAttester? {
        let fields = ["tee", "class", "policy", "claims", "initData", "runtimeData", "platform"]
        guard let object = ObjectReader(field, fields: fields) else { return nil }
        let tee = object.required("tee").flatMap(readTEE)
        let claims = object.required("claims").flatMap { $0.jsonObject() }
        let deviceClass = object["class"].map { $0.word(DeviceClass.self) }
        let policyID = object["policy"].map { $0.nonEmptyText(maximum: 253) } ?? "default"
        let initData = object["initData"].map { $0.json() }
        let runtimeData = object["runtimeData"].map { $0.json() }
        let platform = object["platform"].map { $0.jsonObject() }
        guard let tee, let claims, let policyID else { return nil }
        return TestAttester(
            tee: tee, deviceClass: (deviceClass ?? nil) ?? tee.deviceClass, policyID: policyID, claims: claims,
            initData: initData ?? nil, runtimeData: runtimeData ?? nil, platform: platform ?? nil)
    }
}
