import Encodings

/// Writes the descriptions of fields as schemas.
struct SchemaWriter {
    /// For whom a schema is written.
    enum Dialect {
        /// The API server of Kubernetes: a structural schema of `apiextensions.k8s.io/v1`.
        ///
        /// What an absent field means is described, never declared: the API server would write it into the objects,
        /// and a policy would have another digest in the cluster than in its file. Unknown fields need no mention:
        /// the API server refuses or prunes them.
        case structural
        /// Editors and command lines: JSON Schema draft-07.
        case editor
    }

    let dialect: Dialect

    /// The schema of a mapping.
    func object(_ schema: ObjectSchema, documentation: String? = nil) -> JSONObject {
        var result = JSONObject()
        result["description"] = documentation.map { .string($0) }
        result["type"] = "object"
        if schema.minimumFields > 0 { result["minProperties"] = .int(Int64(schema.minimumFields)) }
        let required = schema.fields.filter(\.isRequired).map { JSONValue.string($0.name) }
        if !required.isEmpty { result["required"] = .array(required) }
        addConditions(schema, to: &result)
        if dialect == .editor { result["additionalProperties"] = false }
        result["properties"] = .object(JSONObject(schema.fields.map { ($0.name, .object(field($0))) }))
        return result
    }

    private func field(_ field: SchemaField) -> JSONObject {
        let absence = field.assumed.map { " Not given: \($0.stringValue ?? $0.serializedString())." } ?? ""
        var result = value(field.value, documentation: field.documentation + absence)
        if dialect == .editor { result["default"] = field.assumed }
        return result
    }

    /// Conditions between fields. JSON Schema has no words for some of them; the broker checks them all.
    private func addConditions(_ schema: ObjectSchema, to result: inout JSONObject) {
        var rules = schema.rules
        if !schema.exactlyOneOf.isEmpty {
            // The API server's CEL does not see fields of any type; where it sees them, it has the better message.
            if dialect == .structural, schema.exactlyOneOf.allSatisfy({ schema[$0]?.value.isTyped == true }) {
                rules.append(.exactlyOne(of: schema.exactlyOneOf))
            } else {
                result["oneOf"] = .array(schema.exactlyOneOf.map { ["required": [.string($0)]] })
            }
        }
        guard dialect == .structural else {
            let conditions = rules.compactMap(\.jsonSchema)
            if !conditions.isEmpty { result["allOf"] = .array(conditions.map { .object($0) }) }
            return
        }
        guard !rules.isEmpty else { return }
        result["x-kubernetes-validations"] = .array(
            rules.map { rule in
                [
                    "rule": .string(rule.expression), "message": .string(rule.message),
                    "fieldPath": .string(".\(rule.field)"),
                ]
            })
    }

    private func value(_ value: SchemaValue, documentation: String? = nil) -> JSONObject {
        if case .object(let schema) = value { return object(schema, documentation: documentation) }
        var result = JSONObject()
        result["description"] = documentation.map { .string($0) }
        switch value {
        case .text(let schema): add(schema, to: &result)
        case .word(let words):
            result["type"] = "string"
            result["enum"] = .array(words.map { .string($0) })
        case .boolean: result["type"] = "boolean"
        case .only(let value):
            result["type"] = "boolean"
            result["enum"] = [.bool(value)]
        case .integer(let range):
            result["type"] = "integer"
            if dialect == .structural { result["format"] = "int64" }
            result["minimum"] = .int(range.lowerBound)
            // The type's own bound; as the double that schemas are read with, it would be another number.
            if range.upperBound < .max { result["maximum"] = .int(range.upperBound) }
        case .list(let schema): add(schema, to: &result)
        case .textsByName(let schema, let maximum):
            result["type"] = "object"
            result["maxProperties"] = maximum.map { .int(Int64($0)) }
            result["additionalProperties"] = .object(self.value(.text(schema)))
        case .anything, .object:
            if dialect == .structural { result["x-kubernetes-preserve-unknown-fields"] = true }
        }
        return result
    }

    private func add(_ schema: TextSchema, to result: inout JSONObject) {
        result["type"] = "string"
        result["format"] = schema.format.map { .string($0) }
        if schema.minimumLength > 0 { result["minLength"] = .int(Int64(schema.minimumLength)) }
        result["maxLength"] = .int(Int64(schema.maximumLength))
        result["pattern"] = schema.pattern.map { .string($0) }
        switch dialect {
        case .structural: result["example"] = .string(schema.example)
        case .editor: result["examples"] = [.string(schema.example)]
        }
    }

    private func add(_ schema: ListSchema, to result: inout JSONObject) {
        result["type"] = "array"
        if schema.minimum > 0 { result["minItems"] = .int(Int64(schema.minimum)) }
        result["maxItems"] = .int(Int64(schema.maximum))
        switch (dialect, schema.identity) {
        case (.structural, .atomic): result["x-kubernetes-list-type"] = "atomic"
        case (.structural, .set): result["x-kubernetes-list-type"] = "set"
        case (.structural, .map(let key)):
            result["x-kubernetes-list-type"] = "map"
            result["x-kubernetes-list-map-keys"] = [.string(key)]
        case (.editor, .set): result["uniqueItems"] = true
        case (.editor, .atomic), (.editor, .map): break
        }
        result["items"] = .object(value(schema.item))
    }
}

extension SchemaValue {
    /// Whether a value has one JSON type, and each of its parts too.
    fileprivate var isTyped: Bool {
        switch self {
        case .anything: false
        case .list(let list): list.item.isTyped
        case .text, .word, .boolean, .only, .integer, .object, .textsByName: true
        }
    }
}

extension SchemaRule {
    fileprivate static func exactlyOne(of fields: [String]) -> SchemaRule {
        SchemaRule(
            expression: fields.map { "(has(self.\($0)) ? 1 : 0)" }.joined(separator: " + ") + " == 1",
            message: "exactly one of \(fields.joined(separator: ", ")) must be given", field: fields[0])
    }
}
