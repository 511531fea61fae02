import Encodings

/// The status that an object has, and what of it one field manager has applied.
struct AppliedStatus {
    private let status: JSONObject
    /// The manager's fields of the status (`fieldsV1`); nil when the object was stored without them.
    private let owned: JSONValue?

    init(_ object: KubernetesObject, fieldManager: String) {
        status = object.status ?? [:]
        let entries = object.metadata["managedFields"]?.arrayValue
        let own = (entries ?? []).first { entry in
            entry["manager"]?.stringValue == fieldManager && entry["subresource"]?.stringValue == "status"
                && entry["operation"]?.stringValue == "Apply"
        }
        owned = entries.map { _ in own?["fieldsV1"]?["f:status"] ?? .object([:]) }
    }

    /// Whether applying `wanted` would change nothing.
    func says(_ wanted: JSONObject) -> Bool {
        guard let owned else { return Self.isSame(.object(status), .object(wanted)) }
        return Self.contains(.object(status), .object(wanted)) && Self.isCovered(owned, by: .object(wanted))
    }

    /// Whether all that `wanted` says is there. Others may have added members, and conditions of their own.
    private static func contains(_ present: JSONValue, _ wanted: JSONValue) -> Bool {
        switch (present, wanted) {
        case (.object(let present), .object(let wanted)):
            return wanted.allSatisfy { name, value in
                guard let there = present[name] else { return false }
                if name == "conditions", let conditions = value.arrayValue {
                    return conditions.allSatisfy { Self.containsCondition(there.arrayValue ?? [], $0) }
                }
                return Self.contains(there, value)
            }
        default:
            return present == wanted
        }
    }

    private static func containsCondition(_ present: [JSONValue], _ wanted: JSONValue) -> Bool {
        present.first { $0["type"] == wanted["type"] }.map { contains($0, wanted) } ?? false
    }

    /// Whether the two are equal, whatever the order of conditions.
    private static func isSame(_ present: JSONValue, _ wanted: JSONValue) -> Bool {
        contains(present, wanted) && contains(wanted, present)
    }

    /// Whether `wanted` still has all fields that the manager owns. Applying without one of them would remove it.
    private static func isCovered(_ owned: JSONValue, by wanted: JSONValue) -> Bool {
        (owned.objectValue ?? [:]).allSatisfy { path, below in
            if path.hasPrefix("f:") {
                guard let value = wanted[String(path.dropFirst(2))] else { return false }
                return isCovered(below, by: value)
            }
            if path.hasPrefix("k:"), let key = try? JSONValue(parsing: Array(path.dropFirst(2).utf8)).objectValue {
                let element = wanted.arrayValue?.first { element in key.allSatisfy { element[$0.name] == $0.value } }
                return element.map { isCovered(below, by: $0) } ?? false
            }
            // "." is the field itself; elements of sets and of lists without keys were compared as a whole.
            return true
        }
    }
}
