import Encodings

/// The `apiextensions.k8s.io/v1` CustomResourceDefinition of a kind, made from the description of its fields.
public struct CustomResourceDefinition: Sendable, Hashable {
    /// The kind that it defines.
    public let kind: ResourceKind

    /// The definition of a kind.
    public init(_ kind: ResourceKind) {
        self.kind = kind
    }

    /// The definitions of every kind, in the order of ``ResourceKind``.
    public static var all: [CustomResourceDefinition] { ResourceKind.allCases.map(CustomResourceDefinition.init) }

    /// The usual name of a file with this definition, such as `claviger.dev_releasepolicies.yaml`.
    public var fileName: String { "\(Self.group)_\(kind.pluralName).yaml" }

    /// The definition as YAML, beginning with a comment and ending with a line feed; the same on every call.
    public var yaml: String {
        "# Made by `claviger crd` from the descriptions of fields in Sources/Policy/Schema.\n"
            + YAMLText.text(.object(json), foldingAt: 120)
    }

    /// The definition as JSON.
    public var json: JSONObject {
        [
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": ["name": .string("\(kind.pluralName).\(Self.group)")],
            "spec": [
                "group": .string(Self.group),
                "scope": kind.isNamespacedResource ? "Namespaced" : "Cluster",
                "names": [
                    "kind": .string(kind.rawValue),
                    "listKind": .string("\(kind.rawValue)List"),
                    "plural": .string(kind.pluralName),
                    "singular": .string(kind.rawValue.lowercased()),
                    "shortNames": [.string(kind.shortName)],
                    "categories": ["claviger"],
                ],
                "versions": [version],
            ],
        ]
    }

    static var group: String {
        String(PolicyDocument.apiVersion.prefix { $0 != "/" })
    }

    static var version: String {
        String(PolicyDocument.apiVersion.dropFirst(group.count + 1))
    }

    private var version: JSONValue {
        var version: JSONObject = [
            "name": .string(Self.version),
            "served": true,
            "storage": true,
            "subresources": ["status": [:]],
            "additionalPrinterColumns": .array(kind.printerColumns.map(Self.column)),
            "schema": ["openAPIV3Schema": .object(rootSchema)],
        ]
        if !kind.selectableFields.isEmpty {
            version["selectableFields"] = .array(kind.selectableFields.map { ["jsonPath": .string($0)] })
        }
        return .object(version)
    }

    private static func column(_ column: PrinterColumn) -> JSONValue {
        var object: JSONObject = [
            "name": .string(column.name), "type": .string(column.type), "jsonPath": .string(column.path),
        ]
        if column.priority > 0 { object["priority"] = .int(column.priority) }
        return .object(object)
    }

    /// `metadata` is the API server's own; a schema may not look into it.
    private var rootSchema: JSONObject {
        let writer = SchemaWriter(dialect: .structural)
        return [
            "description": .string(kind.documentation),
            "type": "object",
            "required": ["spec"],
            "properties": [
                "apiVersion": [
                    "description": .string("The version of this form of document: \(PolicyDocument.apiVersion)."),
                    "type": "string",
                ],
                "kind": ["description": .string("The kind of document: \(kind.rawValue)."), "type": "string"],
                "metadata": ["type": "object"],
                "spec": .object(writer.object(kind.specSchema, documentation: "What the document says.")),
                "status": .object(
                    writer.object(
                        StatusSchema.status(kind),
                        documentation: "What became of the document. Written by the controller.")),
            ],
        ]
    }
}
