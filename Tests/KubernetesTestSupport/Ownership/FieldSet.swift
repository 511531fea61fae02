import Encodings

/// A set of paths to fields, as the tree that `fieldsV1` writes: `f:` names a member, `k:` an element of a map-like list
/// by its keys, `v:` an element of a set.
struct FieldSet: Sendable, Hashable {
    var isMember = false
    var children: [String: FieldSet] = [:]

    static let leaf = FieldSet(isMember: true)

    var isEmpty: Bool { !isMember && children.allSatisfy(\.value.isEmpty) }

    init(isMember: Bool = false) { self.isMember = isMember }

    init(json: JSONObject) {
        isMember = json.isEmpty || json["."] != nil
        for (name, value) in json where name != "." { children[name] = FieldSet(json: value.objectValue ?? [:]) }
    }

    var json: JSONObject {
        guard !(isMember && children.isEmpty) else { return [:] }
        var object = JSONObject()
        if isMember { object["."] = [:] }
        for (name, child) in children.sorted(by: { $0.key < $1.key }) where !child.isEmpty {
            object[name] = .object(child.json)
        }
        return object
    }

    func union(_ other: FieldSet) -> FieldSet {
        var result = self
        result.isMember = isMember || other.isMember
        for (name, child) in other.children { result.children[name] = children[name]?.union(child) ?? child }
        return result
    }

    func subtracting(_ other: FieldSet) -> FieldSet {
        var result = self
        result.isMember = isMember && !other.isMember
        for (name, child) in other.children {
            guard let rest = children[name]?.subtracting(child) else { continue }
            result.children[name] = rest.isEmpty ? nil : rest
        }
        return result
    }

    func intersection(_ other: FieldSet) -> FieldSet {
        var result = FieldSet(isMember: isMember && other.isMember)
        for (name, child) in children {
            guard let common = other.children[name]?.intersection(child), !common.isEmpty else { continue }
            result.children[name] = common
        }
        return result
    }

    /// The paths as the API prints them: `.spec.rules[name="a"].effect`.
    var paths: [String] { paths(below: "") }

    private func paths(below path: String) -> [String] {
        let inner = children.sorted { $0.key < $1.key }.flatMap { $1.paths(below: path + Self.text($0)) }
        return isMember && inner.isEmpty ? [path] : inner
    }

    private static func text(_ element: String) -> String {
        let rest = element.dropFirst(2)
        switch element.prefix(2) {
        case "f:": return ".\(rest)"
        case "v:": return "[=\(rest)]"
        default:
            let keys = (try? JSONObject(parsing: String(rest))) ?? [:]
            return "[" + keys.map { "\($0)=\($1.serializedString())" }.joined(separator: ",") + "]"
        }
    }
}

extension FieldSet {
    /// The fields that a value consists of.
    init(of value: JSONValue, _ schema: StructuralSchema?) {
        switch value {
        case .object(let object) where !object.isEmpty && schema?.isAtomicMap != true:
            for (name, member) in object { children["f:\(name)"] = FieldSet(of: member, schema?.member(name)) }
        case .array(let elements) where !elements.isEmpty:
            guard let schema, case let named = Self.elements(elements, schema), !named.isEmpty else {
                isMember = true
                return
            }
            for (element, value) in named {
                var child = FieldSet.leaf
                if case .map = schema.listKind { child.children = FieldSet(of: value, schema.items).children }
                children[element] = child
            }
        default: isMember = true
        }
    }

    /// The elements of a list that is no atom, by their path elements.
    static func elements(_ list: [JSONValue], _ schema: StructuralSchema) -> [(name: String, value: JSONValue)] {
        list.compactMap { value in
            guard let identity = schema.identity(of: value) else { return nil }
            if case .set = schema.listKind { return ("v:\(identity.serializedString())", value) }
            return ("k:\(identity.serializedString())", value)
        }
    }

    /// What a change added, altered or removed.
    static func difference(
        _ old: JSONValue, _ new: JSONValue, _ schema: StructuralSchema?
    ) -> (changed: FieldSet, removed: FieldSet) {
        guard old != new else { return (FieldSet(), FieldSet()) }
        let before: [(name: String, value: JSONValue)]
        let after: [(name: String, value: JSONValue)]
        switch (old, new) {
        case (.object(let old), .object(let new)) where schema?.isAtomicMap != true:
            before = old.map { ("f:\($0.name)", $0.value) }
            after = new.map { ("f:\($0.name)", $0.value) }
        case (.array(let old), .array(let new)):
            guard let schema else { return (.leaf, FieldSet()) }
            before = elements(old, schema)
            after = elements(new, schema)
            guard before.count == old.count, after.count == new.count else { return (.leaf, FieldSet()) }
        default: return (.leaf.union(FieldSet(of: new, schema)), FieldSet())
        }
        var changed = FieldSet()
        var removed = FieldSet()
        let former = Dictionary(before.map { ($0.name, $0.value) }) { first, _ in first }
        let current = Dictionary(after.map { ($0.name, $0.value) }) { first, _ in first }
        for (name, value) in current {
            let inner = name.hasPrefix("f:") ? schema?.member(String(name.dropFirst(2))) : schema?.items
            guard let then = former[name] else {
                var added = FieldSet(of: value, inner)
                if !name.hasPrefix("f:") { added.isMember = true }
                changed.children[name] = added
                continue
            }
            let (more, less) = difference(then, value, inner)
            if !more.isEmpty { changed.children[name] = more }
            if !less.isEmpty { removed.children[name] = less }
        }
        for (name, value) in former where current[name] == nil {
            let inner = name.hasPrefix("f:") ? schema?.member(String(name.dropFirst(2))) : schema?.items
            removed.children[name] = .leaf.union(FieldSet(of: value, inner))
        }
        return (changed, removed)
    }
}
