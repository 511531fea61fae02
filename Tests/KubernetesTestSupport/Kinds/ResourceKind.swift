import Encodings

/// A kind of object that the API serves, built in or defined by a CustomResourceDefinition.
package struct ResourceKind: Sendable {
    package let group: String
    package let version: String
    package let plural: String
    package let kind: String
    package let isNamespaced: Bool
    var singular: String
    var listKind: String
    var shortNames: [String] = []
    var categories: [String] = []
    /// Whether `status` is written through a door of its own.
    var hasStatus = false
    /// Whether changes of anything but metadata and status are counted.
    var hasGeneration = false
    /// Whether a PUT must name the resource version that it replaces.
    var demandsVersion = false
    var schema: StructuralSchema?
    var columns: [PrinterColumn] = []
    /// Paths besides `metadata.name` and `metadata.namespace` that field selectors may name, such as `spec.broker`.
    var selectableFields: [String] = []
    var isCustom = false

    init(_ group: String, _ version: String, _ plural: String, _ kind: String, isNamespaced: Bool = true) {
        self.group = group
        self.version = version
        self.plural = plural
        self.kind = kind
        self.isNamespaced = isNamespaced
        singular = kind.lowercased()
        listKind = kind + "List"
    }

    /// What names its table: the same for all its versions.
    var id: String { group.isEmpty ? plural : "\(plural).\(group)" }
    var qualifiedPlural: String { id }
    package var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// The path of the collection, or of an object in it.
    package func path(namespace: String? = nil, name: String? = nil, subresource: String? = nil) -> String {
        var path = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
        if isNamespaced, let namespace { path += "/namespaces/\(namespace)" }
        path += "/\(plural)"
        if let name { path += "/\(name)" }
        if let subresource { path += "/\(subresource)" }
        return path
    }

    /// The APIResource of discovery.
    var discovery: JSONValue {
        var object: JSONObject = [
            "name": .string(plural), "singularName": .string(singular), "namespaced": .bool(isNamespaced),
            "kind": .string(kind),
            "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        ]
        if !shortNames.isEmpty { object["shortNames"] = .array(shortNames.map(JSONValue.string)) }
        if !categories.isEmpty { object["categories"] = .array(categories.map(JSONValue.string)) }
        return .object(object)
    }
}
