import Encodings
import Foundation

/// Server-side apply of one configuration to one object.
struct ServerSideApply {
    let kind: ResourceKind
    let owner: ManagedFields.Owner
    let isForced: Bool
    let now: Date

    /// The object after the apply, with its managed fields; refused with 409 when others own what it would change.
    func applied(_ configuration: JSONObject, to live: JSONObject) throws -> JSONObject {
        let configuration = ManagedFields.owned(configuration, owner.subresource, kind)
        let fields = FieldSet(of: .object(configuration), kind.schema).withoutRoot
        var managers = ManagedFields(of: live)
        let former = managers.fields(of: owner)
        var merged = Self.merge(.object(live), .object(configuration), kind.schema)

        let given = former.subtracting(fields)
        let kept = managers.entries.filter { $0.owner != owner }.reduce(FieldSet()) { $0.union($1.fields) }
        merged = Self.remove(given.subtracting(kept), from: merged, kind.schema) ?? .object([:])

        let (changed, removed) = FieldSet.difference(
            .object(ManagedFields.owned(live, owner.subresource, kind)),
            .object(ManagedFields.owned(merged.objectValue ?? [:], owner.subresource, kind)), kind.schema)
        let conflicts = managers.entries.filter { $0.owner != owner }.compactMap { entry in
            let common = entry.fields.intersection(changed)
            return common.isEmpty ? nil : (entry.owner, common.paths)
        }
        guard isForced || conflicts.isEmpty else { throw Self.conflict(conflicts) }
        managers.take(changed.union(removed)) { $0 != owner }
        managers.set(fields, of: owner, at: now)
        var result = merged.objectValue ?? live
        result.edit("metadata") { $0["managedFields"] = managers.json }
        return result
    }

    private static func conflict(_ conflicts: [(ManagedFields.Owner, [String])]) -> APIStatus {
        let count = conflicts.map(\.1.count).reduce(0, +)
        let texts = conflicts.map { owner, paths in
            paths.count == 1
                ? "conflict with \(owner.text()): \(paths[0])"
                : "conflicts with \(owner.text()):\n" + paths.map { "- \($0)" }.joined(separator: "\n")
        }
        var status = APIStatus(
            409, "Conflict",
            "Apply failed with \(count) conflict\(count == 1 ? "" : "s"): " + texts.joined(separator: "\n"))
        status.causes = conflicts.flatMap { owner, paths in
            paths.map {
                .init(reason: "FieldManagerConflict", message: "conflict with \(owner.text())", field: $0)
            }
        }
        return status
    }

    /// The live value with what is applied laid over it.
    private static func merge(_ live: JSONValue, _ applied: JSONValue, _ schema: StructuralSchema?) -> JSONValue {
        switch (live, applied) {
        case (.object(var object), .object(let applied)) where schema?.isAtomicMap != true:
            for (name, value) in applied {
                object[name] = object[name].map { merge($0, value, schema?.member(name)) } ?? value
            }
            return .object(object)
        case (.array(let elements), .array(let applied)):
            guard let schema else { return .array(applied) }
            let named = FieldSet.elements(applied, schema)
            guard !named.isEmpty else { return .array(applied) }
            var result = FieldSet.elements(elements, schema)
            for (name, value) in named {
                if let position = result.firstIndex(where: { $0.name == name }) {
                    result[position].value = merge(result[position].value, value, schema.items)
                } else {
                    result.append((name, value))
                }
            }
            return .array(result.map(\.value))
        default: return applied
        }
    }

    /// The value without these fields; nil when nothing is left.
    private static func remove(
        _ fields: FieldSet, from value: JSONValue, _ schema: StructuralSchema?
    ) -> JSONValue? {
        guard !fields.isEmpty else { return value }
        switch value {
        case .object(var object) where !fields.children.isEmpty:
            for (element, child) in fields.children where element.hasPrefix("f:") {
                let name = String(element.dropFirst(2))
                object[name] = object[name].flatMap { remove(child, from: $0, schema?.member(name)) }
            }
            return object.isEmpty ? nil : .object(object)
        case .array(let elements) where !fields.children.isEmpty:
            guard let schema else { return value }
            let rest = FieldSet.elements(elements, schema).compactMap { name, element -> JSONValue? in
                guard let child = fields.children[name] else { return element }
                return child.isMember ? nil : remove(child, from: element, schema.items)
            }
            return rest.isEmpty ? nil : .array(rest)
        default: return fields.isMember ? nil : value
        }
    }
}

extension FieldSet {
    /// An object is not a field of itself.
    fileprivate var withoutRoot: FieldSet {
        var set = self
        set.isMember = false
        return set
    }
}
