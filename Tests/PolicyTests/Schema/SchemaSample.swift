import Encodings

@testable import Policy

/// A value made from a schema, as complete as the schema allows, with the schema of each of its parts.
struct SchemaSample {
    /// The members and indexes that lead to a part.
    typealias Path = [Step]

    enum Step: Hashable {
        case member(String)
        case item(Int)
    }

    struct Part {
        let path: Path
        let schema: SchemaValue
    }

    let value: JSONValue
    /// Every part, the whole first.
    let parts: [Part]

    /// `choice` says which one is there of fields that exclude each other.
    init(_ schema: SchemaValue, choice: Int = 0) {
        var parts: [Part] = []
        value = Self.build(schema, choice: choice, at: [], &parts)
        self.parts = parts
    }

    private static func build(_ schema: SchemaValue, choice: Int, at path: Path, _ parts: inout [Part]) -> JSONValue {
        parts.append(Part(path: path, schema: schema))
        guard case .object(let object) = schema else {
            if case .list(let list) = schema {
                return [build(list.item, choice: choice, at: path + [.item(0)], &parts)]
            }
            return leaf(schema)
        }
        var result = JSONObject()
        for field in object.fields where object.has(field.name, choice: choice) {
            result[field.name] = build(field.value, choice: choice, at: path + [.member(field.name)], &parts)
        }
        return .object(result)
    }

    /// A value with nothing that could be left out.
    static func least(_ schema: SchemaValue, key: (name: String, value: String)? = nil) -> JSONValue {
        switch schema {
        case .object(let object):
            var result = JSONObject()
            for field in object.fields where field.isRequired || field.name == object.exactlyOneOf.first {
                result[field.name] = least(field.value)
            }
            if let key { result[key.name] = .string(key.value) }
            if result.isEmpty, object.minimumFields > 0, let field = object.fields.first {
                result[field.name] = least(field.value)
            }
            return .object(result)
        case .list(let list): return list.minimum == 0 ? [] : [least(list.item)]
        default: return leaf(schema)
        }
    }

    private static func leaf(_ schema: SchemaValue) -> JSONValue {
        switch schema {
        case .text(let text): .string(text.example)
        case .word(let words): .string(words.first ?? "")
        case .boolean: true
        case .only(let value): .bool(value)
        case .integer(let range): .int(range.upperBound)
        case .textsByName(let text, _): ["any": .string(text.example)]
        case .anything: ["any": [1, "two", false]]
        case .object, .list: .null
        }
    }

    /// The sample with one part changed, or removed when `change` gives nothing.
    func changing(_ path: Path, _ change: (JSONValue) -> JSONValue?) -> JSONValue {
        Self.changing(value, path[...], change) ?? .null
    }

    private static func changing(
        _ value: JSONValue, _ path: ArraySlice<Step>, _ change: (JSONValue) -> JSONValue?
    ) -> JSONValue? {
        switch (path.first, value) {
        case (.member(let name), .object(var object)):
            object[name] = object[name].flatMap { changing($0, path.dropFirst(), change) }
            return .object(object)
        case (.item(let index), .array(var items)):
            guard let item = changing(items[index], path.dropFirst(), change) else { return nil }
            items[index] = item
            return .array(items)
        default: return change(value)
        }
    }
}

extension SchemaSample.Path {
    /// The path as diagnostics write it.
    var text: String {
        reduce("spec") { text, step in
            switch step {
            case .member(let name): "\(text).\(name)"
            case .item(let index): "\(text)[\(index)]"
            }
        }
    }
}

extension ObjectSchema {
    /// Whether a sample with this choice has the field.
    func has(_ name: String, choice: Int) -> Bool {
        // No kind of guest could meet a whole posture, which the parser says where kinds are selected.
        if let apart = ["posture", "tees"].firstIndex(of: name), self["posture"] != nil { return choice == apart }
        // The example speaks of one kind of guest, which a policy that selects others refuses.
        if name == "instance", self["oncePer"] != nil { return choice == 0 }
        guard exactlyOneOf.contains(name) else { return true }
        return exactlyOneOf[choice % exactlyOneOf.count] == name
    }
}

extension ResourceKind {
    /// A document as it stands in a file and, with the namespace, in a cluster.
    func document(spec: JSONValue) -> JSONValue {
        var metadata: JSONObject = ["name": "sample"]
        if isNamespacedResource { metadata["namespace"] = "payments" }
        return [
            "apiVersion": .string(PolicyDocument.apiVersion), "kind": .string(rawValue),
            "metadata": .object(metadata), "spec": spec,
        ]
    }

    /// What the parser finds wrong with a document of this spec.
    func diagnostics(_ document: JSONValue) -> [PolicyDiagnostic] {
        do {
            _ = try ResourceParser.parse(document.serializedString(), source: "policy.yaml")
            return []
        } catch {
            return error.diagnostics
        }
    }

    /// The schema of the committed form, as an API server reads it.
    var structuralSchema: JSONValue {
        CustomResourceDefinition(self).json["spec"]?[pointer: "/versions/0/schema/openAPIV3Schema"] ?? .null
    }
}
