import Encodings

/// Writes schemas as the structural OpenAPI v3 schemas that `apiextensions.k8s.io/v1` accepts.
///
/// Defaults are described, never declared: the API server would write them into the objects, and a policy would have
/// another digest in the cluster than in its file.
enum StructuralSchema {
    static func object(_ schema: ObjectSchema, documentation: String? = nil) -> JSONObject {
        var result = JSONObject()
        result["description"] = documentation.map { .string($0) }
        result["type"] = "object"
        if schema.minimumFields > 0 { result["minProperties"] = .int(Int64(schema.minimumFields)) }
        let required = schema.fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { result["required"] = .array(required) }
        if !schema.exactlyOneOf.isEmpty {
            result["oneOf"] = .array(schema.exactlyOneOf.map { ["required": [.string($0)]] })
        }
        if !schema.rules.isEmpty {
            result["x-kubernetes-validations"] = .array(
                schema.rules.map { ["rule": .string($0.expression), "message": .string($0.message)] })
        }
        result["properties"] = .object(
            JSONObject(
                schema.fields.map { ($0.name, .object(value($0.value, documentation: $0.documentation))) }))
        return result
    }

    static func value(_ value: SchemaValue, documentation: String? = nil) -> JSONObject {
        if case .object(let schema) = value { return object(schema, documentation: documentation) }
        var result = JSONObject()
        result["description"] = documentation.map { .string($0) }
        switch value {
        case .text(let schema): add(schema, to: &result)
        case .word(let words):
            result["type"] = "string"
            result["enum"] = .array(words.map { .string($0) })
        case .boolean: result["type"] = "boolean"
        case .integer(let range):
            result["type"] = "integer"
            result["minimum"] = .int(range.lowerBound)
            result["maximum"] = .int(range.upperBound)
        case .list(let schema): add(schema, to: &result)
        // A structural schema cannot say "a word or a list": the broker checks it.
        case .wordOrWords, .anything, .object: result["x-kubernetes-preserve-unknown-fields"] = true
        }
        return result
    }

    private static func add(_ schema: TextSchema, to result: inout JSONObject) {
        result["type"] = "string"
        result["format"] = schema.format.map { .string($0) }
        if schema.minimumLength > 0 { result["minLength"] = .int(Int64(schema.minimumLength)) }
        result["maxLength"] = .int(Int64(schema.maximumLength))
        result["pattern"] = schema.pattern.map { .string($0) }
        result["example"] = .string(schema.example)
    }

    private static func add(_ schema: ListSchema, to result: inout JSONObject) {
        result["type"] = "array"
        if schema.minimum > 0 { result["minItems"] = .int(Int64(schema.minimum)) }
        result["maxItems"] = .int(Int64(schema.maximum))
        switch schema.identity {
        case .atomic: result["x-kubernetes-list-type"] = "atomic"
        case .set: result["x-kubernetes-list-type"] = "set"
        case .map(let key):
            result["x-kubernetes-list-type"] = "map"
            result["x-kubernetes-list-map-keys"] = [.string(key)]
        }
        result["items"] = .object(value(schema.item))
    }
}
