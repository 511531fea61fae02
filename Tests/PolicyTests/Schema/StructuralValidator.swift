import CEL
import Encodings
import Foundation
import Testing

/// The part of an API server that checks objects against a structural schema: types, bounds, required and unknown
/// fields, the keys of lists, and the rules in CEL.
enum StructuralValidator {
    static func findings(_ value: JSONValue, _ schema: JSONValue, path: String = "") -> [String] {
        if schema["x-kubernetes-preserve-unknown-fields"]?.boolValue == true { return [] }
        switch (schema["type"]?.stringValue, value) {
        case ("object", .object(let object)): return findings(object, schema, path)
        case ("array", .array(let items)): return findings(items, schema, path)
        case ("string", .string(let text)): return findings(text, schema, path)
        case ("boolean", .bool):
            let values = schema["enum"]?.arrayValue ?? [value]
            return values.contains(value) ? [] : ["\(path): \(value) cannot be asked for"]
        case ("integer", .int(let number)):
            let minimum = schema["minimum"]?.intValue ?? .min
            let maximum = schema["maximum"]?.intValue ?? .max
            return minimum <= number && number <= maximum ? [] : ["\(path): \(number) is out of bounds"]
        default: return ["\(path): not of type \(schema["type"]?.stringValue ?? "(none)")"]
        }
    }

    private static func findings(_ object: JSONObject, _ schema: JSONValue, _ path: String) -> [String] {
        if let values = schema["additionalProperties"] {
            var findings = object.flatMap { name, value in self.findings(value, values, path: "\(path).\(name)") }
            if object.count > schema["maxProperties"]?.intValue ?? .max { findings.append("\(path): too many members") }
            return findings
        }
        // What the API server itself knows of every object.
        guard let properties = schema["properties"]?.objectValue else { return [] }
        var findings: [String] = []
        for (name, value) in object {
            guard let property = properties[name] else {
                findings.append("\(path): unknown field \(name)")
                continue
            }
            findings += self.findings(value, property, path: "\(path).\(name)")
        }
        for name in strings(schema["required"]) where !object.contains(name) {
            findings.append("\(path): missing field \(name)")
        }
        if let choices = schema["oneOf"]?.arrayValue {
            let met = choices.filter { strings($0["required"]).allSatisfy(object.contains) }
            if met.count != 1 { findings.append("\(path): not exactly one choice") }
        }
        if object.count < schema["minProperties"]?.intValue ?? 0 { findings.append("\(path): too few fields") }
        // As in an API server, rules only see what has the right shape.
        guard findings.isEmpty else { return findings }
        for rule in schema["x-kubernetes-validations"]?.arrayValue ?? [] {
            let expression = rule["rule"]?.stringValue ?? ""
            // What is about changes does not hold for a new object.
            if expression.contains("oldSelf") { continue }
            if !holds(expression, of: object) { findings.append("\(path): \(rule["message"]?.stringValue ?? "")") }
        }
        return findings
    }

    /// The messages of the rules about changes that do not let `old` become `new`.
    static func changeFindings(from old: JSONValue, to new: JSONValue, _ schema: JSONValue) -> [String] {
        guard let before = old.objectValue, let after = new.objectValue else { return [] }
        let rules = (schema["x-kubernetes-validations"]?.arrayValue ?? []).filter {
            $0["rule"]?.stringValue?.contains("oldSelf") == true
        }
        var findings = rules.compactMap { rule in
            holds(rule["rule"]?.stringValue ?? "", of: after, replacing: before) ? nil : rule["message"]?.stringValue
        }
        for (name, property) in schema["properties"]?.objectValue ?? [:] {
            guard let value = before[name], let other = after[name] else { continue }
            findings += changeFindings(from: value, to: other, property)
        }
        return findings
    }

    private static func findings(_ items: [JSONValue], _ schema: JSONValue, _ path: String) -> [String] {
        var findings: [String] = []
        if items.count < schema["minItems"]?.intValue ?? 0 { findings.append("\(path): too few items") }
        if items.count > schema["maxItems"]?.intValue ?? .max { findings.append("\(path): too many items") }
        let keys = strings(schema["x-kubernetes-list-map-keys"])
        let identities: [JSONValue] =
            switch schema["x-kubernetes-list-type"]?.stringValue {
            case "set": items
            case "map": items.map { item in .array(keys.map { item[$0] ?? .null }) }
            default: []
            }
        if Set(identities).count != identities.count { findings.append("\(path): an item is repeated") }
        for (index, item) in items.enumerated() {
            findings += self.findings(item, schema["items"] ?? [:], path: "\(path)[\(index)]")
        }
        return findings
    }

    private static func findings(_ text: String, _ schema: JSONValue, _ path: String) -> [String] {
        var findings: [String] = []
        let length = Int64(text.unicodeScalars.count)
        if length < schema["minLength"]?.intValue ?? 0 { findings.append("\(path): too short") }
        if length > schema["maxLength"]?.intValue ?? .max { findings.append("\(path): too long") }
        let words = strings(schema["enum"])
        if !words.isEmpty, !words.contains(text) { findings.append("\(path): '\(text)' is not known") }
        if let pattern = schema["pattern"]?.stringValue, text.range(of: pattern, options: .regularExpression) == nil {
            findings.append("\(path): '\(text)' does not match \(pattern)")
        }
        return findings
    }

    private static func holds(_ rule: String, of object: JSONObject, replacing old: JSONObject? = nil) -> Bool {
        do {
            var values = ["self": CELValue(.object(object))]
            if let old { values["oldSelf"] = CELValue(.object(old)) }
            let program = try CELProgram(rule, environment: CELEnvironment(variableNames: values.keys.sorted()))
            return try program.evaluate(values) == .bool(true)
        } catch {
            Issue.record("\(rule): \(error)")
            return false
        }
    }

    private static func strings(_ value: JSONValue?) -> [String] {
        (value?.arrayValue ?? []).compactMap(\.stringValue)
    }
}
