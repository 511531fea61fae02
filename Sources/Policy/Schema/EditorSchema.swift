import Encodings

/// A JSON Schema (draft-07, which language servers for YAML read) of documents as they stand in files.
public struct EditorSchema: Sendable, Hashable {
    private static let draft: JSONValue = "http://json-schema.org/draft-07/schema#"

    /// The kinds of documents that it describes.
    public let kinds: [ResourceKind]

    /// The schema of one kind.
    public init(_ kind: ResourceKind) {
        kinds = [kind]
    }

    private init(kinds: [ResourceKind]) {
        self.kinds = kinds
    }

    /// One schema for files with documents of any kind.
    public static let anyKind = EditorSchema(kinds: ResourceKind.allCases)

    /// ``anyKind``, and one schema for each kind.
    public static var all: [EditorSchema] { [anyKind] + ResourceKind.allCases.map { EditorSchema($0) } }

    /// The usual name of a file with this schema, such as `releasepolicy_v1alpha1.json`; `policy_v1alpha1.json` for
    /// documents of any kind.
    public var fileName: String {
        let subject = kinds.count == 1 ? kinds[0].rawValue.lowercased() : "policy"
        return "\(subject)_\(CustomResourceDefinition.version).json"
    }

    /// The schema as JSON for people to read, ending with a line feed; the same on every call.
    public var text: String {
        JSONValue.object(json).pretty() + "\n"
    }

    /// The schema.
    public var json: JSONObject {
        if kinds.count == 1 { return ["$schema": Self.draft] + Self.document(kinds[0]) }
        let names = kinds.map(\.rawValue)
        return [
            "$schema": Self.draft,
            "title": "Claviger document",
            "type": "object",
            "required": ["apiVersion", "kind"],
            "properties": [
                "apiVersion": ["type": "string", "enum": [.string(PolicyDocument.apiVersion)]],
                "kind": ["type": "string", "enum": .array(names.map { .string($0) })],
            ],
            "allOf": .array(
                names.map { name in
                    [
                        "if": ["properties": ["kind": ["const": .string(name)]], "required": ["kind"]],
                        "then": ["$ref": .string("#/definitions/\(name)")],
                    ]
                }),
            "definitions": .object(JSONObject(kinds.map { ($0.rawValue, .object(Self.document($0))) })),
        ]
    }

    private static func document(_ kind: ResourceKind) -> JSONObject {
        ["title": .string(kind.rawValue)]
            + SchemaWriter(dialect: .editor).object(kind.documentSchema, documentation: kind.documentation)
    }
}

extension JSONObject {
    fileprivate static func + (left: JSONObject, right: JSONObject) -> JSONObject {
        var sum = left
        for (name, value) in right { sum[name] = value }
        return sum
    }
}
