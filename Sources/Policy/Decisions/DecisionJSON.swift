import Encodings

/// Why JSON is not a decision.
public struct DecisionFormatError: Error, Sendable, Hashable {
    /// A stable word for programs: `invalid_decision`.
    public var code: String { "invalid_decision" }
    /// A sentence that names the member that is wrong.
    public let message: String

    init(member: String) {
        message = "The decision's member '\(member)' is missing or has the wrong type."
    }
}

extension Decision {
    /// The decision as JSON, for the ledger and the admin API.
    public func json() -> JSONValue {
        var object: JSONObject = [
            "allowed": .bool(allowed), "reason": .string(reason.rawValue), "message": .string(message),
            "request": .string(request), "bundleDigest": .string(bundleDigest),
        ]
        if let nearest { object["nearest"] = .string(nearest) }
        if let audit { object["audit"] = .string(audit.rawValue) }
        if !notes.isEmpty { object["notes"] = .array(notes.map(JSONValue.string)) }
        object["trace"] = .array(trace.map { .object($0.json()) })
        return .object(object)
    }

    /// Reads what ``json()`` wrote; members that are not known are ignored.
    ///
    /// Throws ``DecisionFormatError`` when a member is missing or has the wrong type.
    public init(json: JSONValue) throws(DecisionFormatError) {
        let members = Members(json)
        guard let reason = DecisionReason(rawValue: try members.text("reason")) else {
            throw DecisionFormatError(member: "reason")
        }
        var trace: [PolicyTrace] = []
        for policy in try members.list("trace") { trace.append(try PolicyTrace(json: policy)) }
        self.init(
            allowed: try members.bool("allowed"), reason: reason, message: try members.text("message"),
            request: try members.text("request"), trace: trace, nearest: json["nearest"]?.stringValue,
            bundleDigest: try members.text("bundleDigest"),
            audit: json["audit"]?.stringValue.flatMap(AuditVerdict.init(rawValue:)), notes: json.texts("notes"))
    }
}

extension PolicyTrace {
    func json() -> JSONObject {
        var object: JSONObject = [
            "policy": .string(policy), "digest": .string(digest), "effect": .string(effect.rawValue),
            "matched": .bool(matched),
        ]
        if mode != .enforce { object["mode"] = .string(mode.rawValue) }
        if let note { object["note"] = .string(note) }
        object["conditions"] = .array(conditions.map { .object($0.json()) })
        return object
    }

    init(json: JSONValue) throws(DecisionFormatError) {
        let members = Members(json)
        guard let effect = ReleaseEffect(rawValue: try members.text("effect")) else {
            throw DecisionFormatError(member: "effect")
        }
        var conditions: [ConditionTrace] = []
        for condition in try members.list("conditions") { conditions.append(try ConditionTrace(json: condition)) }
        self.init(
            policy: try members.text("policy"), digest: try members.text("digest"), effect: effect,
            mode: json["mode"]?.stringValue.flatMap(PolicyMode.init(rawValue:)) ?? .enforce,
            matched: try members.bool("matched"), note: json["note"]?.stringValue, conditions: conditions)
    }
}

extension ConditionTrace {
    func json() -> JSONObject {
        var object: JSONObject = ["path": .string(path)]
        if line > 0 { object["line"] = .int(Int64(line)) }
        object["required"] = .string(required)
        object["measured"] = .array(measured.map { ["name": .string($0.name), "value": .string($0.value)] })
        object["outcome"] = .string(outcome.rawValue)
        if let reason { object["reason"] = .string(reason.rawValue) }
        if let authorReason { object["authorReason"] = .string(authorReason) }
        if let message { object["message"] = .string(message) }
        if !notes.isEmpty { object["notes"] = .array(notes.map(JSONValue.string)) }
        return object
    }

    init(json: JSONValue) throws(DecisionFormatError) {
        let members = Members(json)
        guard let outcome = Outcome(rawValue: try members.text("outcome")) else {
            throw DecisionFormatError(member: "outcome")
        }
        var measured: [MeasuredValue] = []
        for value in try members.list("measured") {
            let inner = Members(value)
            measured.append(MeasuredValue(name: try inner.text("name"), value: try inner.text("value")))
        }
        self.init(
            path: try members.text("path"), line: Int(json["line"]?.intValue ?? 0),
            required: try members.text("required"), measured: measured, outcome: outcome,
            reason: json["reason"]?.stringValue.flatMap(DecisionReason.init(rawValue:)),
            authorReason: json["authorReason"]?.stringValue, message: json["message"]?.stringValue,
            notes: json.texts("notes"))
    }
}

extension JSONValue {
    /// The texts of a list that may be absent.
    fileprivate func texts(_ name: String) -> [String] {
        (self[name]?.arrayValue ?? []).compactMap(\.stringValue)
    }
}

/// Members that must be there.
struct Members {
    private let json: JSONValue

    init(_ json: JSONValue) {
        self.json = json
    }

    func text(_ name: String) throws(DecisionFormatError) -> String {
        guard let value = json[name]?.stringValue else { throw DecisionFormatError(member: name) }
        return value
    }

    func bool(_ name: String) throws(DecisionFormatError) -> Bool {
        guard let value = json[name]?.boolValue else { throw DecisionFormatError(member: name) }
        return value
    }

    func integer(_ name: String) throws(DecisionFormatError) -> Int64 {
        guard let value = json[name]?.intValue else { throw DecisionFormatError(member: name) }
        return value
    }

    func list(_ name: String) throws(DecisionFormatError) -> [JSONValue] {
        guard let value = json[name]?.arrayValue else { throw DecisionFormatError(member: name) }
        return value
    }
}
