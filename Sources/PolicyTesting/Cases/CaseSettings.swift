import Encodings
import FoundationEssentials
import Policy
import RATS

/// What a case may leave to the defaults of its document.
struct CaseSettings {
    enum Attestation {
        case evidence([TestAttester])
        case token(JSONObject)
    }

    /// The time of cases that name none: tests never depend on the clock.
    static let usualTime = Date(timeIntervalSince1970: 1_767_225_600)

    var attestation: Attestation?
    /// Merge patches over the claims, by submodule, with the field that each stands in.
    var changes: [(submodule: String, field: Field, patch: JSONValue)] = []
    var referenceValues: JSONObject?
    var now: Date?
    var age: Int64?
    var protocolVersion: String?
    var issuer: String?
    var request: PolicyTestCase.Request?

    /// These settings, and those of `defaults` for whatever is not set here.
    func filled(from defaults: CaseSettings) -> CaseSettings {
        var result = self
        // Changes belong to the evidence that they were written beside, unless the case brings only changes.
        if attestation == nil { result.attestation = defaults.attestation }
        if attestation == nil, changes.isEmpty { result.changes = defaults.changes }
        result.referenceValues = referenceValues ?? defaults.referenceValues
        result.now = now ?? defaults.now
        result.age = age ?? defaults.age
        result.protocolVersion = protocolVersion ?? defaults.protocolVersion
        result.issuer = issuer ?? defaults.issuer
        result.request = request ?? defaults.request
        return result
    }
}

/// Reads the fields that cases and defaults share.
struct CaseSettingsReader {
    static let fields = [
        "evidence", "token", "change", "referenceValues", "now", "age", "protocol", "issuer", "request",
    ]

    /// The named evidence of the document.
    let evidence: [String: [TestAttester]]

    func read(_ object: ObjectReader) -> CaseSettings {
        var settings = CaseSettings()
        settings.attestation = readAttestation(object)
        for member in object["change"]?.members() ?? [] {
            guard let patch = member.value.jsonObject() else { continue }
            settings.changes.append((member.key, member.value, .object(patch)))
        }
        settings.referenceValues = object["referenceValues"].flatMap { $0.jsonObject() }
        settings.now = object["now"].flatMap(Self.readTime)
        settings.age = object["age"].flatMap(readAge)
        settings.protocolVersion = object["protocol"].flatMap { $0.text(maximum: 32) }
        settings.issuer = object["issuer"].flatMap { $0.text(maximum: 1024) }
        settings.request = object["request"].flatMap(readRequest)
        return settings
    }

    static func readTime(_ field: Field) -> Date? {
        guard let text = field.text(maximum: 40) else { return nil }
        if let date = TimestampText.date(text) { return date }
        field.report("invalid_value", "'\(text)' is no date and time.", hint: "write it like \"2026-01-31T12:00:00Z\"")
        return nil
    }

    private func readAge(_ field: Field) -> Int64? {
        guard let text = field.text(maximum: 32) else { return nil }
        let isNegative = text.hasPrefix("-")
        if let seconds = DurationText.seconds(isNegative ? String(text.dropFirst()) : text) {
            return isNegative ? -seconds : seconds
        }
        field.report("invalid_value", "'\(text)' is no duration.", hint: "write it like 90s, 10m or 1h30m")
        return nil
    }

    private func readAttestation(_ object: ObjectReader) -> CaseSettings.Attestation? {
        if let token = object["token"] {
            for name in ["evidence", "change", "age", "protocol", "issuer"] {
                object[name]?.report("invalid_value", "A token says this by itself.", hint: "remove '\(name)'")
            }
            return token.jsonObject().map { .token($0) }
        }
        guard let field = object["evidence"] else { return nil }
        if field.isList { return .evidence(TestAttester.readList(field)) }
        guard let name = field.text(maximum: 253) else { return nil }
        if let attesters = evidence[name] { return .evidence(attesters) }
        field.report(
            "unknown_name", "There is no evidence '\(name)' in spec.evidence.",
            hint: evidence.isEmpty ? nil : NearestName.hint(for: name, among: evidence.keys.sorted()))
        return nil
    }

    private func readRequest(_ field: Field) -> PolicyTestCase.Request? {
        guard let object = ObjectReader(field, fields: ["resource", "operation", "plugin", "query"]) else { return nil }
        let resource = object.required("resource")?.text(maximum: 4096)
        let operation = object["operation"].map { $0.text(maximum: 63) } ?? "get"
        let plugin = object["plugin"].map { $0.text(maximum: 63) } ?? "resource"
        var query: [String: String] = [:]
        for member in object["query"]?.members() ?? [] { query[member.key] = member.value.text() }
        guard let resource, let operation, let plugin else { return nil }
        let path = resource.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        return PolicyTestCase.Request(operation: operation, plugin: plugin, path: path, query: query)
    }

    /// The attesters with the changes of the case; reported when there is nothing to attest, or nothing to change.
    func subject(of settings: CaseSettings, in object: ObjectReader) -> PolicyTestCase.Subject? {
        switch settings.attestation {
        case nil:
            object.field.report(
                "missing_field", "The case has neither 'evidence' nor 'token'.",
                hint: "give one of them, here or in spec.defaults")
            return nil
        case .token(let claims):
            for change in settings.changes {
                change.field.report("invalid_value", "Only evidence can be changed, not a token.")
            }
            return .token(claims)
        case .evidence(var attesters):
            let names = DeviceClass.submoduleNames(of: attesters.map(\.deviceClass))
            for change in settings.changes {
                guard let index = names.firstIndex(of: change.submodule) else {
                    change.field.report(
                        "unknown_name", "The evidence has no submodule '\(change.submodule)'.",
                        hint: "known here: \(names.joined(separator: ", "))")
                    continue
                }
                let changed = JSONValue.object(attesters[index].claims).merging(patch: change.patch)
                attesters[index].claims = changed.objectValue ?? JSONObject()
            }
            return .evidence(attesters.map(\.input))
        }
    }
}
