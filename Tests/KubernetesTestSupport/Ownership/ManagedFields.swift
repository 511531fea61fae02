import Encodings
import Foundation

/// Who owns which fields of an object: `metadata.managedFields`.
struct ManagedFields {
    /// A manager with what it did.
    struct Owner: Hashable {
        var name: String
        var operation: String
        var apiVersion: String
        var subresource: String

        /// How a conflict names it.
        func text(_ shown: Bool = true) -> String {
            let part = subresource.isEmpty ? "" : " with subresource \"\(subresource)\""
            return "\"\(name)\"\(part) using \(apiVersion)"
        }
    }

    struct Entry {
        var owner: Owner
        var time: String
        var fields: FieldSet
    }

    var entries: [Entry]

    init(of object: JSONObject) {
        entries = (object.metadata["managedFields"]?.arrayValue ?? []).map { json in
            Entry(
                owner: Owner(
                    name: json["manager"]?.stringValue ?? "", operation: json["operation"]?.stringValue ?? "",
                    apiVersion: json["apiVersion"]?.stringValue ?? "",
                    subresource: json["subresource"]?.stringValue ?? ""),
                time: json["time"]?.stringValue ?? "", fields: FieldSet(json: json["fieldsV1"]?.objectValue ?? [:]))
        }
    }

    var json: JSONValue {
        .array(
            entries.map { entry in
                var object: JSONObject = [
                    "manager": .string(entry.owner.name), "operation": .string(entry.owner.operation),
                    "apiVersion": .string(entry.owner.apiVersion), "time": .string(entry.time),
                    "fieldsType": "FieldsV1", "fieldsV1": .object(entry.fields.json),
                ]
                if !entry.owner.subresource.isEmpty { object["subresource"] = .string(entry.owner.subresource) }
                return .object(object)
            })
    }

    func fields(of owner: Owner) -> FieldSet { entries.first { $0.owner == owner }?.fields ?? FieldSet() }

    /// Takes fields from everybody else.
    mutating func take(_ fields: FieldSet, from isOther: (Owner) -> Bool) {
        for position in entries.indices where isOther(entries[position].owner) {
            entries[position].fields = entries[position].fields.subtracting(fields)
        }
        entries.removeAll { $0.fields.isEmpty }
    }

    mutating func set(_ fields: FieldSet, of owner: Owner, at time: Date) {
        if let position = entries.firstIndex(where: { $0.owner == owner }) {
            guard entries[position].fields != fields else { return }
            entries[position].fields = fields
            entries[position].time = Timestamp.text(time)
        } else {
            entries.append(Entry(owner: owner, time: Timestamp.text(time), fields: fields))
        }
        entries.removeAll { $0.fields.isEmpty }
    }

    /// Notes a write that is no apply: who changes a field owns it.
    mutating func update(from old: JSONObject, to new: JSONObject, by owner: Owner, _ kind: ResourceKind, at time: Date)
    {
        let (changed, removed) = FieldSet.difference(
            .object(Self.owned(old, owner.subresource, kind)), .object(Self.owned(new, owner.subresource, kind)),
            kind.schema)
        take(changed.union(removed)) { $0 != owner }
        guard !changed.isEmpty || !removed.isEmpty else { return }
        set(fields(of: owner).subtracting(removed).union(changed), of: owner, at: time)
    }

    /// The part of an object that a writer through this door can own.
    static func owned(_ object: JSONObject, _ subresource: String, _ kind: ResourceKind) -> JSONObject {
        if subresource == "status" { return object["status"].map { ["status": $0] } ?? [:] }
        var rest = object
        rest["apiVersion"] = nil
        rest["kind"] = nil
        if kind.hasStatus { rest["status"] = nil }
        let own = ["labels", "annotations", "finalizers", "ownerReferences"]
        let metadata = JSONObject(object.metadata.filter { own.contains($0.name) }.map { ($0.name, $0.value) })
        rest["metadata"] = metadata.isEmpty ? nil : .object(metadata)
        return rest
    }
}
