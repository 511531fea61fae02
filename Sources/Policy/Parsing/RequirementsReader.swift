import Encodings
import RATS

/// Reads `spec.require` of a release policy.
struct RequirementsReader {
    private static let leaveOut = "leave the field out when nothing is to be required"
    private let field: Field

    init(_ field: Field) {
        self.field = field
    }

    func read() -> ReleaseRequirements {
        var result = ReleaseRequirements()
        let fields = ["tees", "trust", "status", "maxEvidenceAge", "initData", "minProtocol", "posture"]
        guard let object = ObjectReader(field, fields: fields) else { return result }
        if object.isEmpty { field.report("invalid_value", "Nothing is required here.", hint: Self.leaveOut) }
        if let trust = object["trust"], trust.members()?.isEmpty == true {
            trust.report("invalid_value", "Nothing is required here.", hint: Self.leaveOut)
        }
        result.tees = (object["tees"]?.items(maximum: 32) ?? []).compactMap { readTEE($0) }
        for member in object["trust"]?.members() ?? [] {
            guard let claim = readTrustClaim(member.name), let tier = member.value.word(RequiredTier.self) else {
                continue
            }
            result.trust[claim] = tier
        }
        result.status = object["status"]?.word(RequiredTier.self)
        result.maximumEvidenceAge = object["maxEvidenceAge"].flatMap(readDuration)
        result.initData = object["initData"].flatMap(readInitData)
        result.minimumProtocol = object["minProtocol"].flatMap(readProtocol)
        if let posture = object["posture"] { result.posture = PostureReader(posture, tees: result.tees).read() }
        return result
    }

    private func readDuration(_ field: Field) -> Int64? {
        guard let text = field.text(maximum: 32) else { return nil }
        if let seconds = DurationText.seconds(text), seconds > 0 { return seconds }
        field.report("invalid_value", "'\(text)' is no duration.", hint: "write it like 90s, 10m or 1h30m")
        return nil
    }

    private func readProtocol(_ field: Field) -> ProtocolNumber? {
        guard let text = field.text(maximum: 32) else { return nil }
        if let version = ProtocolNumber(text) { return version }
        field.report("invalid_value", "'\(text)' is no protocol version.", hint: "write it like \"0.4.0\"")
        return nil
    }

    private func readInitData(_ field: Field) -> InitDataRequirement? {
        guard let object = ObjectReader(field, fields: ["digests", "required"]) else { return nil }
        let digests = (object["digests"]?.items(maximum: 256) ?? []).compactMap(readDigest)
        let required = object["required"]?.bool()
        if required == false, !digests.isEmpty {
            object["required"]?.report(
                "invalid_value", "Digests can only match init-data that is there.", hint: "remove it")
        }
        return InitDataRequirement(digests: digests, required: required ?? true)
    }

    private func readDigest(_ field: Field) -> [UInt8]? {
        guard let text = field.text(maximum: 256) else { return nil }
        if let bytes = DigestText.bytes(text), bytes.count >= 32, bytes.count <= 64 { return bytes }
        field.report(
            "invalid_value", "'\(text)' is no digest of 32 to 64 bytes.",
            hint: "write the SHA-256, SHA-384 or SHA-512 of the init-data in hex or base64")
        return nil
    }
}

/// Names that several kinds share.
package func readTEE(_ field: Field) -> TEE? {
    guard let text = field.text(maximum: 64) else { return nil }
    if let tee = TEE(rawValue: text) { return tee }
    let names = TEE.allCases.map(\.rawValue)
    field.report("unknown_tee", "There is no TEE '\(text)'.", hint: NearestName.hint(for: text, among: names))
    return nil
}

package func readTrustClaim(_ field: Field) -> TrustClaim? {
    guard let text = field.text(maximum: 64) else { return nil }
    if let claim = TrustClaim(rawValue: text) { return claim }
    let names = TrustClaim.allCases.map(\.rawValue)
    field.report(
        "unknown_trust_claim", "There is no trust claim '\(text)'.", hint: NearestName.hint(for: text, among: names))
    return nil
}

/// Digests as people write them: hex or base64 (either alphabet, padding or not).
enum DigestText {
    static func bytes(_ text: String) -> [UInt8]? {
        if text.utf8.count >= 64, let bytes = try? Hex.decode(text.lowercased()) { return bytes }
        return try? Base64.decodeLenient(text)
    }
}
