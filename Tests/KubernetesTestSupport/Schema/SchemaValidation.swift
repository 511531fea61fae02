import Encodings
import Foundation

/// Checks a value against its schema, as the API does before it stores an object.
struct SchemaValidation {
    private(set) var causes: [APIStatus.Cause] = []

    /// Everything that is wrong with an object.
    static func causes(of value: JSONValue, former: JSONValue?, _ schema: StructuralSchema) -> [APIStatus.Cause] {
        var validation = SchemaValidation()
        validation.check(value, schema, at: "")
        // Rules assume values of the declared types.
        if validation.causes.isEmpty { validation.checkRules(value, former, schema, at: "") }
        return validation.causes
    }

    private mutating func refuse(_ reason: String, _ path: String, _ message: String) {
        causes.append(.init(reason: reason, message: message, field: path.isEmpty ? "<nil>" : path))
    }

    private mutating func check(_ value: JSONValue, _ schema: StructuralSchema, at path: String) {
        if value.isNull, schema.isNullable { return }
        guard Self.hasType(value, schema) else {
            return refuse(
                "FieldValueTypeInvalid", path,
                "Invalid value: \"\(Self.name(of: value))\": \(path) in body must be of type \(schema.type ?? "any"): "
                    + "\"\(Self.name(of: value))\"")
        }
        if let allowed = schema.allowed, !allowed.contains(value) {
            let list = allowed.map { $0.serializedString() }.joined(separator: ", ")
            refuse(
                "FieldValueNotSupported", path,
                "Unsupported value: \(value.serializedString()): supported values: \(list)")
        }
        switch value {
        case .string(let text): check(text, schema, at: path)
        case .int, .uint, .double: check(number: value, schema, at: path)
        case .array(let elements): check(elements, schema, at: path)
        case .object(let object): check(object, schema, at: path)
        default: break
        }
    }

    private mutating func check(_ text: String, _ schema: StructuralSchema, at path: String) {
        let length = Double(text.unicodeScalars.count)
        if let most = schema.bounds["maxLength"], length > most {
            refuse("FieldValueTooLong", path, "Too long: may not be more than \(Int(most)) bytes")
        }
        if let least = schema.bounds["minLength"], length < least {
            refuse(
                "FieldValueInvalid", path,
                "Invalid value: \"\(text)\": \(path) in body should be at least \(Int(least)) chars long")
        }
        if let pattern = schema.pattern, !Self.matches(text, pattern) {
            refuse(
                "FieldValueInvalid", path,
                "Invalid value: \"\(text)\": \(path) in body should match '\(pattern)'")
        }
        if let format = schema.format, !Self.hasFormat(text, format) {
            refuse(
                "FieldValueInvalid", path,
                "Invalid value: \"\(text)\": \(path) in body must be of type \(format): \"\(text)\"")
        }
    }

    private mutating func check(number value: JSONValue, _ schema: StructuralSchema, at path: String) {
        let number = value.doubleValue ?? 0
        let shown = value.serializedString()
        if let least = schema.bounds["minimum"], schema.isExclusiveMinimum ? number <= least : number < least {
            let relation = schema.isExclusiveMinimum ? "greater than" : "greater than or equal to"
            refuse(
                "FieldValueInvalid", path,
                "Invalid value: \(shown): \(path) in body should be \(relation) \(Int(least))")
        }
        if let most = schema.bounds["maximum"], schema.isExclusiveMaximum ? number >= most : number > most {
            let relation = schema.isExclusiveMaximum ? "less than" : "less than or equal to"
            refuse(
                "FieldValueInvalid", path, "Invalid value: \(shown): \(path) in body should be \(relation) \(Int(most))"
            )
        }
    }

    private mutating func check(_ elements: [JSONValue], _ schema: StructuralSchema, at path: String) {
        if let most = schema.bounds["maxItems"], Double(elements.count) > most {
            refuse("FieldValueTooMany", path, "Too many: \(elements.count): must have at most \(Int(most)) items")
        }
        if let least = schema.bounds["minItems"], Double(elements.count) < least {
            refuse(
                "FieldValueInvalid", path,
                "Invalid value: \(elements.count): \(path) in body should have at least \(Int(least)) items")
        }
        var seen: Set<JSONValue> = []
        for (number, element) in elements.enumerated() {
            let here = "\(path)[\(number)]"
            if let identity = schema.identity(of: element), !seen.insert(identity).inserted {
                refuse("FieldValueDuplicate", here, "Duplicate value: \(identity.serializedString())")
            }
            if let items = schema.items { check(element, items, at: here) }
        }
    }

    private mutating func check(_ object: JSONObject, _ schema: StructuralSchema, at path: String) {
        if let most = schema.bounds["maxProperties"], Double(object.count) > most {
            refuse("FieldValueTooMany", path, "Too many: \(object.count): must have at most \(Int(most)) items")
        }
        if let least = schema.bounds["minProperties"], Double(object.count) < least {
            refuse(
                "FieldValueInvalid", path,
                "Invalid value: \(object.count): \(path) in body should have at least \(Int(least)) properties")
        }
        for name in schema.required where object[name] == nil {
            refuse("FieldValueRequired", path.isEmpty ? name : "\(path).\(name)", "Required value")
        }
        for (name, value) in object {
            guard let member = schema.member(name) else { continue }
            check(value, member, at: path.isEmpty ? name : "\(path).\(name)")
        }
    }

    private mutating func checkRules(
        _ value: JSONValue, _ former: JSONValue?, _ schema: StructuralSchema, at path: String
    ) {
        if !schema.rules.isEmpty, !value.isNull {
            let now = schema.celValue(value)
            let then = former.map(schema.celValue)
            for rule in schema.rules where !rule.isTransition || then != nil {
                guard let message = rule.refusal(of: now, former: then) else { continue }
                let shown = value.stringValue.map { "\"\($0)\"" } ?? "\"\(Self.name(of: value))\""
                let field = path + (path.isEmpty ? String(rule.fieldPath.drop { $0 == "." }) : rule.fieldPath)
                let start = rule.reason == "FieldValueForbidden" ? "Forbidden: " : "Invalid value: \(shown): "
                refuse(rule.reason, field, start + message)
            }
        }
        switch value {
        case .object(let object):
            for (name, member) in object {
                guard let inner = schema.member(name) else { continue }
                checkRules(member, former?[name], inner, at: path.isEmpty ? name : "\(path).\(name)")
            }
        case .array(let elements):
            guard let items = schema.items else { return }
            for (number, element) in elements.enumerated() {
                var counterpart: JSONValue?
                if case .map = schema.listKind, let identity = schema.identity(of: element) {
                    counterpart = former?.arrayValue?.first { schema.identity(of: $0) == identity }
                }
                checkRules(element, counterpart, items, at: "\(path)[\(number)]")
            }
        default: break
        }
    }
}

extension SchemaValidation {
    private static func hasType(_ value: JSONValue, _ schema: StructuralSchema) -> Bool {
        if schema.isIntegerOrString { return value.stringValue != nil || value.doubleValue != nil }
        switch (schema.type, value) {
        case (nil, _), ("string", .string), ("boolean", .bool), ("array", .array), ("object", .object),
            ("integer", .int), ("integer", .uint), ("number", .int), ("number", .uint), ("number", .double):
            return true
        case ("integer", .double(let number)): return number.rounded() == number
        default: return false
        }
    }

    static func name(of value: JSONValue) -> String {
        switch value {
        case .null: "null"
        case .bool: "boolean"
        case .int, .uint: "integer"
        case .double: "number"
        case .string: "string"
        case .array: "array"
        case .object: "object"
        }
    }

    private static func matches(_ text: String, _ pattern: String) -> Bool {
        guard let expression = try? NSRegularExpression(pattern: pattern) else { return false }
        return expression.firstMatch(in: text, range: NSRange(text.startIndex..., in: text)) != nil
    }

    private static func hasFormat(_ text: String, _ format: String) -> Bool {
        switch format {
        case "date-time": Timestamp.isTime(text)
        case "byte": (try? Base64.decode(text)) != nil
        case "duration": text.wholeMatch(of: /-?([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+/) != nil || text == "0"
        default: true
        }
    }
}

extension StructuralSchema {
    /// What an element of a set or of a map-like list is told apart by.
    func identity(of element: JSONValue) -> JSONValue? {
        switch listKind {
        case .atomic: nil
        case .set: element
        case .map(let keys):
            .object(
                JSONObject(
                    keys.sorted().compactMap { key in
                        (element[key] ?? items?[key]?.defaultValue).map { (key, $0) }
                    }))
        }
    }
}
