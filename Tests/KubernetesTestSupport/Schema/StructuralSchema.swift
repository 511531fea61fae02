import CEL
import Encodings
import Foundation

/// What is wrong with a schema.
struct SchemaError: Error {
    let field: String
    let message: String
}

/// A structural schema (apiextensions.k8s.io/v1): what may stand at one place of an object.
final class StructuralSchema: Sendable {
    /// How a list is merged and owned.
    enum ListKind: Sendable { case atomic, set, map([String]) }

    let type: String?
    let format: String?
    let properties: [(name: String, schema: StructuralSchema)]
    let additional: StructuralSchema?
    let items: StructuralSchema?
    let required: [String]
    let allowed: [JSONValue]?
    let pattern: String?
    let bounds: [String: Double]
    let isExclusiveMinimum: Bool
    let isExclusiveMaximum: Bool
    let defaultValue: JSONValue?
    let isNullable: Bool
    let keepsUnknown: Bool
    let isIntegerOrString: Bool
    let isEmbeddedObject: Bool
    let isAtomicMap: Bool
    let listKind: ListKind
    let rules: [ValidationRule]
    /// The type that its values have in rules.
    let celType: CELType
    private let index: [String: Int]

    /// Reads a schema.
    ///
    /// - Parameter path: where it stands, for what is refused.
    init(_ json: JSONValue, at path: String = "openAPIV3Schema", isRoot: Bool = true) throws {
        func flag(_ name: String) -> Bool { json[name]?.boolValue ?? false }
        type = json["type"]?.stringValue
        format = json["format"]?.stringValue
        properties = try (json["properties"]?.objectValue ?? [:]).map { name, value in
            (name, try StructuralSchema(value, at: "\(path).properties[\(name)]", isRoot: false))
        }
        index = Dictionary(properties.enumerated().map { ($1.name, $0) }) { first, _ in first }
        switch json["additionalProperties"] {
        case .object(let object):
            additional = try StructuralSchema(.object(object), at: "\(path).additionalProperties", isRoot: false)
        default: additional = nil
        }
        items = try json["items"].map { try StructuralSchema($0, at: "\(path).items", isRoot: false) }
        required = (json["required"]?.arrayValue ?? []).compactMap(\.stringValue)
        allowed = json["enum"]?.arrayValue
        pattern = json["pattern"]?.stringValue
        let limits = [
            "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
        ]
        bounds = Dictionary(
            limits.compactMap { name in json[name]?.doubleValue.map { (name, $0) } }, uniquingKeysWith: { $1 })
        isExclusiveMinimum = flag("exclusiveMinimum")
        isExclusiveMaximum = flag("exclusiveMaximum")
        defaultValue = json["default"]
        isNullable = flag("nullable")
        keepsUnknown = flag("x-kubernetes-preserve-unknown-fields")
        isIntegerOrString = flag("x-kubernetes-int-or-string")
        isEmbeddedObject = flag("x-kubernetes-embedded-resource")
        isAtomicMap = json["x-kubernetes-map-type"]?.stringValue == "atomic"
        switch json["x-kubernetes-list-type"]?.stringValue {
        case "set": listKind = .set
        case "map":
            let keys = (json["x-kubernetes-list-map-keys"]?.arrayValue ?? []).compactMap(\.stringValue)
            guard !keys.isEmpty else {
                throw SchemaError(
                    field: "\(path).x-kubernetes-list-map-keys",
                    message: "Required value: must not be empty if x-kubernetes-list-type is map")
            }
            listKind = .map(keys)
        default: listKind = .atomic
        }
        guard type != nil || isIntegerOrString || keepsUnknown else {
            throw SchemaError(
                field: "\(path).type", message: "Required value: must not be empty for specified object fields")
        }
        celType = Self.celType(
            type: isIntegerOrString ? nil : type, format, properties, additional, items, isOpen: keepsUnknown,
            isObject: isRoot || isEmbeddedObject)
        rules = try (json["x-kubernetes-validations"]?.arrayValue ?? []).enumerated().map { [celType] number, rule in
            try ValidationRule(rule, selfType: celType, at: "\(path).x-kubernetes-validations[\(number)]")
        }
    }

    subscript(_ name: String) -> StructuralSchema? { index[name].map { properties[$0].schema } }

    /// The schema below a member: a declared one, or that of all others.
    func member(_ name: String) -> StructuralSchema? { self[name] ?? additional }
}
