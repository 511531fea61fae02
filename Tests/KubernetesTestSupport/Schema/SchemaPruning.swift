import Encodings

extension StructuralSchema {
    /// The value without what the schema does not name, and the paths of what was dropped.
    func pruned(_ value: JSONValue, at path: String = "", dropped: inout [String]) -> JSONValue {
        switch value {
        case .object(let object):
            var kept = JSONObject()
            for (name, member) in object {
                let here = path.isEmpty ? name : "\(path).\(name)"
                if isEmbeddedObject || path.isEmpty, ["apiVersion", "kind", "metadata"].contains(name) {
                    kept[name] = member
                } else if let schema = self.member(name) {
                    kept[name] = schema.pruned(member, at: here, dropped: &dropped)
                } else if keepsUnknown {
                    kept[name] = member
                } else {
                    dropped.append(here)
                }
            }
            return .object(kept)
        case .array(let elements):
            guard let items else { return value }
            return .array(
                elements.enumerated().map { items.pruned($1, at: "\(path)[\($0)]", dropped: &dropped) })
        default: return value
        }
    }

    /// The value with defaults in the places of what is missing.
    func defaulted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .object(var object):
            for (name, schema) in properties {
                let isUnset = object[name].map { $0.isNull && !schema.isNullable } ?? true
                if isUnset, let fallback = schema.defaultValue { object[name] = fallback }
            }
            for (name, member) in object {
                if let schema = self.member(name) { object[name] = schema.defaulted(member) }
            }
            return .object(object)
        case .array(let elements): return items.map { items in .array(elements.map(items.defaulted)) } ?? value
        default: return value
        }
    }
}
