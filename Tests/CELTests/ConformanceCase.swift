import Encodings

@testable import CEL

/// One case of a conformance file.
struct ConformanceCase {
    let name: String
    let expression: String
    private let json: JSONValue

    init(_ json: JSONValue) {
        name = (json["section"]?.stringValue ?? "") + "/" + (json["name"]?.stringValue ?? "")
        expression = json["expr"]?.stringValue ?? ""
        self.json = json
    }

    /// Nil when the case passes, else what went wrong.
    func failure() -> String? {
        let outcome: Result<CELValue, CELError>
        do throws(CELError) {
            let program = try CELProgram(expression, environment: environment)
            if let failure = typeFailure(program) { return failure }
            if json["check_only"]?.boolValue == true { return nil }
            outcome = .success(try program.evaluate(bindings))
        } catch {
            outcome = .failure(error)
        }
        let expectsError = json["eval_error"] != nil || json["any_eval_errors"] != nil
        switch outcome {
        case .success(let value) where expectsError: return "an error was expected, not \(value)"
        case .failure(let error): return expectsError ? nil : "\(error)"
        case .success(let value):
            let expected = expectedValue
            return ConformanceValue.isIdentical(value, expected) ? nil : "\(value) instead of \(expected)"
        }
    }

    private var expectedValue: CELValue {
        let value = (json["value"] ?? json["typed_result"]?["result"]).map(ConformanceValue.value) ?? .bool(true)
        guard case .bytes(let bytes) = value, name.hasPrefix("bytes_literals/"), name.hasSuffix("escaped_punctuation")
        else { return value }
        // The text format of the upstream file writes a question mark as \?, and the conversion to JSON kept that
        // backslash in bytes (in strings it did not): put right here, since no literal of these cases can mean it.
        return .bytes(Array(String(decoding: bytes, as: UTF8.self).replacing("\\?", with: "?").utf8))
    }

    private func typeFailure(_ program: CELProgram) -> String? {
        guard let expected = json["typed_result"]?["deduced_type"] else { return nil }
        let type = ConformanceValue.type(expected)
        return program.resultType == type ? nil : "type \(program.resultType) instead of \(type)"
    }

    private var environment: CELEnvironment {
        var environment = CELEnvironment(hasBlockMacros: true)
        environment.container = json["container"]?.stringValue ?? ""
        environment.isChecked = json["disable_check"]?.boolValue != true
        environment.hasMacros = json["disable_macros"]?.boolValue != true
        for declaration in json["type_env"]?.arrayValue ?? [] {
            guard let name = declaration["name"]?.stringValue else { continue }
            if let function = declaration["function"] {
                environment.functions.append(Self.function(name, function))
            } else {
                environment.variables[name] = declaration["ident"]?["type"].map(ConformanceValue.type) ?? .dyn
            }
        }
        return environment
    }

    private static func function(_ name: String, _ json: JSONValue) -> CELFunctionDeclaration {
        let overloads = (json["overloads"]?.arrayValue ?? []).map { overload in
            CELFunctionDeclaration.Overload(
                (overload["params"]?.arrayValue ?? []).map(ConformanceValue.type),
                overload["result_type"].map(ConformanceValue.type) ?? .dyn,
                isReceiver: overload["is_instance_function"]?.boolValue == true)
        }
        return CELFunctionDeclaration(name, overloads)
    }

    private var bindings: [String: CELValue] {
        var bindings: [String: CELValue] = [:]
        for (name, binding) in json["bindings"]?.objectValue ?? [:] {
            bindings[name] = binding["value"].map(ConformanceValue.value)
        }
        return bindings
    }
}

/// The JSON form of `cel.expr.Value` and `cel.expr.Type`.
enum ConformanceValue {
    static func value(_ json: JSONValue) -> CELValue {
        guard let (kind, content) = json.objectValue?.first(where: { _ in true }) else { return .null }
        switch kind {
        case "bool_value": return .bool(content.boolValue ?? false)
        case "int64_value": return .int(content.stringValue.flatMap(Int64.init) ?? 0)
        case "uint64_value": return .uint(content.stringValue.flatMap(UInt64.init) ?? 0)
        case "double_value": return .double(content.doubleValue ?? double(content.stringValue ?? ""))
        case "string_value": return .string(content.stringValue ?? "")
        case "bytes_value": return .bytes((try? Base64.decode(content.stringValue ?? "")) ?? [])
        case "list_value": return .list((content["values"]?.arrayValue ?? []).map(value))
        case "type_value": return .type(content.stringValue ?? "")
        case "enum_value": return .int(content["value"]?.intValue ?? 0)
        case "map_value":
            var map = CELMap()
            for entry in content["entries"]?.arrayValue ?? [] {
                map.insert(entry["value"].map(value) ?? .null, for: entry["key"].map(value) ?? .null)
            }
            return .map(map)
        case "object_value": return message(content)
        default: return .null
        }
    }

    /// A message of a well-known type in its JSON form, `{"@type": …, "value": …}`.
    private static func message(_ json: JSONValue) -> CELValue {
        let name = json["@type"]?.stringValue?.split(separator: "/").last.map(String.init) ?? ""
        let text = json["value"]?.stringValue ?? ""
        switch WellKnownMessage(name: name) {
        case .timestamp: return (try? CELTimestamp(parsing: text)).map(CELValue.timestamp) ?? .null
        case .duration: return (try? CELDuration(parsing: text)).map(CELValue.duration) ?? .null
        case .int64Value: return .int(Int64(text) ?? 0)
        case .uint64Value: return .uint(UInt64(text) ?? 0)
        case .uint32Value: return .uint(json["value"]?.uintValue ?? 0)
        case .doubleValue, .floatValue: return .double(json["value"]?.doubleValue ?? double(text))
        case .bytesValue: return .bytes((try? Base64.decode(text)) ?? [])
        case .value, .structure, .listValue: return json["value"].map(numbersAsDoubles) ?? .null
        default: return json["value"].map(CELValue.init) ?? .null
        }
    }

    /// Every number of a `google.protobuf.Value` is a double, however its JSON form writes it.
    private static func numbersAsDoubles(_ json: JSONValue) -> CELValue {
        switch json {
        case .int, .uint: return .double(json.doubleValue ?? 0)
        case .array(let elements): return .list(elements.map(numbersAsDoubles))
        case .object(let object):
            var map = CELMap()
            for (name, value) in object { map.insert(numbersAsDoubles(value), for: .string(name)) }
            return .map(map)
        default: return CELValue(json)
        }
    }

    private static func double(_ text: String) -> Double {
        switch text {
        case "Infinity": .infinity
        case "-Infinity": -.infinity
        default: .nan
        }
    }

    /// Equal in value and type; maps in any order, not-a-number like itself.
    static func isIdentical(_ left: CELValue, _ right: CELValue) -> Bool {
        switch (left, right) {
        case (.double(let a), .double(let b)): return a.bitPattern == b.bitPattern || (a.isNaN && b.isNaN)
        case (.list(let a), .list(let b)): return a.count == b.count && zip(a, b).allSatisfy(isIdentical)
        case (.map(let a), .map(let b)):
            return a.count == b.count
                && a.allSatisfy { key, value in
                    b.contains { isIdentical($0.key, key) && isIdentical($0.value, value) }
                }
        default: return left.typeName == right.typeName && left == right
        }
    }

    static func type(_ json: JSONValue) -> CELType {
        guard let (kind, content) = json.objectValue?.first(where: { _ in true }) else { return .dyn }
        switch kind {
        case "primitive": return primitive(content.stringValue ?? "")
        case "wrapper": return .wrapper(primitive(content.stringValue ?? ""))
        case "null": return .null
        case "list_type": return .list(content["elem_type"].map(type) ?? .dyn)
        case "map_type":
            return .map(content["key_type"].map(type) ?? .dyn, content["value_type"].map(type) ?? .dyn)
        case "well_known":
            switch content.stringValue {
            case "TIMESTAMP": return .timestamp
            case "DURATION": return .duration
            default: return .dyn
            }
        case "type_param": return .parameter(content.stringValue ?? "")
        case "type": return .type(type(content))
        case "message_type": return messageType(content.stringValue ?? "")
        case "abstract_type":
            let parameters = (content["parameter_types"]?.arrayValue ?? []).map(type)
            let name = content["name"]?.stringValue ?? ""
            return name == "optional_type" ? .optional(parameters.first ?? .dyn) : .abstract(name, parameters)
        default: return .dyn
        }
    }

    private static func messageType(_ name: String) -> CELType {
        WellKnownMessage(name: name)?.type ?? .abstract(name, [])
    }

    private static func primitive(_ name: String) -> CELType {
        switch name {
        case "BOOL": .bool
        case "INT64": .int
        case "UINT64": .uint
        case "DOUBLE": .double
        case "STRING": .string
        case "BYTES": .bytes
        default: .dyn
        }
    }
}
