import CEL
import Encodings
import Foundation

/// One of `x-kubernetes-validations`.
struct ValidationRule: Sendable {
    private let program: CELProgram
    private let messageProgram: CELProgram?
    private let text: String
    private let message: String?
    let reason: String
    let fieldPath: String
    /// Whether it speaks of the former value, and is looked at only where there is one.
    let isTransition: Bool

    init(_ json: JSONValue, selfType: CELType, at path: String) throws {
        text = json["rule"]?.stringValue ?? ""
        message = json["message"]?.stringValue
        reason = json["reason"]?.stringValue ?? "FieldValueInvalid"
        fieldPath = json["fieldPath"]?.stringValue ?? ""
        isTransition = text.contains("oldSelf")
        let environment = CELEnvironment(variables: ["self": selfType, "oldSelf": selfType])
        program = try Self.compile(text, environment, at: "\(path).rule")
        messageProgram = try json["messageExpression"]?.stringValue.map {
            try Self.compile($0, environment, at: "\(path).messageExpression")
        }
    }

    private static func compile(_ text: String, _ environment: CELEnvironment, at path: String) throws -> CELProgram {
        do throws(CELError) {
            return try CELProgram(text, environment: environment)
        } catch {
            throw SchemaError(
                field: path, message: "Invalid value: \"\(text)\": compilation failed: \(error.description)")
        }
    }

    /// The sentence of the refusal; nil when the rule holds.
    func refusal(of value: CELValue, former: CELValue?) -> String? {
        var variables = ["self": value]
        variables["oldSelf"] = former
        do throws(CELError) {
            if case .bool(true) = try program.evaluate(variables, costLimit: 10_000_000) { return nil }
        } catch {
            return "\(text): \(error.description)"
        }
        if let messageProgram, case .string(let said)? = try? messageProgram.evaluate(variables, costLimit: 1_000_000) {
            return said
        }
        return message ?? "failed rule: \(text)"
    }
}

extension StructuralSchema {
    static func celType(
        type: String?, _ format: String?, _ properties: [(name: String, schema: StructuralSchema)],
        _ additional: StructuralSchema?, _ items: StructuralSchema?, isOpen: Bool, isObject: Bool
    ) -> CELType {
        switch type {
        case "string" where format == "date-time": return .timestamp
        case "string" where format == "duration": return .duration
        case "string": return .string
        case "integer": return .int
        case "number": return .double
        case "boolean": return .bool
        case "array": return .list(items?.celType ?? .dyn)
        case "object":
            if let additional { return .map(.string, additional.celType) }
            var fields: [String: CELType] = [:]
            for (name, schema) in properties { fields[escaped(name)] = schema.celType }
            if isObject {
                let metadata = CELObjectType(
                    name: "ObjectMeta", fields: ["name": .string, "generateName": .string] as [String: CELType])
                fields.merge(["apiVersion": .string, "kind": .string, "metadata": .object(metadata)]) { $1 }
            }
            // Types are told apart by name.
            return .object(CELObjectType(name: UUID().uuidString, fields: fields, isOpen: isOpen))
        default: return .dyn
        }
    }

    /// A value as rules see it: names escaped, times and durations as such.
    func celValue(_ value: JSONValue) -> CELValue {
        switch value {
        case .string(let text) where format == "date-time":
            return (try? .timestamp(CELTimestamp(parsing: text))) ?? .string(text)
        case .string(let text) where format == "duration":
            return (try? .duration(CELDuration(parsing: text))) ?? .string(text)
        case .int(let number) where type == "number": return .double(Double(number))
        case .array(let elements): return .list(elements.map { items?.celValue($0) ?? CELValue($0) })
        case .object(let object):
            var map = CELMap()
            for (name, member) in object {
                let key = self[name] == nil ? name : Self.escaped(name)
                _ = map.insert(self.member(name)?.celValue(member) ?? CELValue(member), for: .string(key))
            }
            return .map(map)
        default: return CELValue(value)
        }
    }

    private static let reserved: Set = [
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import",
        "let", "loop", "package", "namespace", "return", "var", "void", "while",
    ]

    /// A property's name as an identifier of CEL (Kubernetes' escaping).
    static func escaped(_ name: String) -> String {
        if reserved.contains(name) { return "__\(name)__" }
        return name.replacing("__", with: "__underscores__").replacing(".", with: "__dot__")
            .replacing("-", with: "__dash__").replacing("/", with: "__slash__")
    }
}
