/// Conversions between types, `type`, `dyn` and `size`.
enum Conversions {
    static let functions: [NativeFunction] = [
        .global("int", 1...1, int), .global("uint", 1...1, uint), .global("double", 1...1, double),
        .global("bool", 1...1, bool), .global("string", 1...1, string), .global("bytes", 1...1, bytes),
        .global("duration", 1...1, duration), .global("timestamp", 1...1, timestamp),
        .global("type", 1...1, type), .global("dyn", 1...1, dyn),
        .global("size", 1...1, size), .receiver("size", 1...1, size),
    ]

    private static func outOfRange(_ type: String) -> CELError {
        CELError(.overflow, "the value is outside the range of \(type)")
    }

    private static func unreadable(_ text: String, as type: String) -> CELError {
        CELError(.invalidArgument, "\"\(text.excerpt)\" cannot be read as \(type)")
    }

    @Sendable private static func int(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        switch arguments[0] {
        case .int: return arguments[0]
        case .uint(let value):
            guard let value = Int64(exactly: value) else { throw outOfRange("int") }
            return .int(value)
        case .double(let value):
            // Both ends excluded: near them a double no longer tells neighbouring integers apart.
            guard value > -0x1p63, value < 0x1p63 else { throw outOfRange("int") }
            return .int(Int64(value))
        case .string(let text):
            guard let value = Int64(text) else { throw unreadable(text, as: "int") }
            return .int(value)
        case .timestamp(let value): return .int(value.seconds)
        default: throw CELError.noSuchOverload("int", arguments)
        }
    }

    @Sendable private static func uint(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        switch arguments[0] {
        case .uint: return arguments[0]
        case .int(let value):
            guard let value = UInt64(exactly: value) else { throw outOfRange("uint") }
            return .uint(value)
        case .double(let value):
            guard value >= 0, value < 0x1p64 else { throw outOfRange("uint") }
            return .uint(UInt64(value))
        case .string(let text):
            guard text.utf8.first != UInt8(ascii: "+"), text.utf8.first != UInt8(ascii: "-"),
                let value = UInt64(text)
            else { throw unreadable(text, as: "uint") }
            return .uint(value)
        default: throw CELError.noSuchOverload("uint", arguments)
        }
    }

    @Sendable private static func double(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        switch arguments[0] {
        case .double: return arguments[0]
        case .int(let value): return .double(Double(value))
        case .uint(let value): return .double(Double(value))
        case .string(let text):
            guard let value = Double(text) else { throw unreadable(text, as: "double") }
            return .double(value)
        default: throw CELError.noSuchOverload("double", arguments)
        }
    }

    @Sendable private static func bool(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        switch arguments[0] {
        case .bool: return arguments[0]
        case .string(let text):
            switch text {
            case "1", "t", "T", "true", "TRUE", "True": return .bool(true)
            case "0", "f", "F", "false", "FALSE", "False": return .bool(false)
            default: throw unreadable(text, as: "bool")
            }
        default: throw CELError.noSuchOverload("bool", arguments)
        }
    }

    @Sendable private static func string(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        switch arguments[0] {
        case .string: return arguments[0]
        case .bool(let value): return .string(value ? "true" : "false")
        case .int(let value): return .string(String(value))
        case .uint(let value): return .string(String(value))
        case .double(let value): return .string(NumberText.text(value))
        case .bytes(let value):
            try meter.charge(bytes: value.count)
            guard let text = String(validating: value, as: UTF8.self) else {
                throw CELError(.invalidArgument, "the bytes are not valid UTF-8")
            }
            return .string(text)
        case .duration(let value): return .string(value.text)
        case .timestamp(let value): return .string(value.text)
        case .opaque(let value):
            try meter.charge(bytes: value.size)
            return .string(value.text)
        default: throw CELError.noSuchOverload("string", arguments)
        }
    }

    @Sendable private static func bytes(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        switch arguments[0] {
        case .bytes: return arguments[0]
        case .string(let text):
            try meter.charge(bytes: text.utf8.count)
            return .bytes(Array(text.utf8))
        default: throw CELError.noSuchOverload("bytes", arguments)
        }
    }

    @Sendable private static func duration(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        switch arguments[0] {
        case .duration: return arguments[0]
        case .string(let text): return .duration(try CELDuration(parsing: text))
        default: throw CELError.noSuchOverload("duration", arguments)
        }
    }

    @Sendable private static func timestamp(
        _ arguments: [CELValue], _: inout CostMeter
    ) throws(CELError) -> CELValue {
        switch arguments[0] {
        case .timestamp: return arguments[0]
        case .int(let seconds): return .timestamp(try CELTimestamp(seconds: seconds))
        case .string(let text): return .timestamp(try CELTimestamp(parsing: text))
        default: throw CELError.noSuchOverload("timestamp", arguments)
        }
    }

    @Sendable private static func type(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        .type(arguments[0].typeName)
    }

    @Sendable private static func dyn(_ arguments: [CELValue], _: inout CostMeter) throws(CELError) -> CELValue {
        arguments[0]
    }

    @Sendable private static func size(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        switch arguments[0] {
        case .string(let text):
            try meter.charge(bytes: text.utf8.count)
            return .int(Int64(text.unicodeScalars.count))
        case .bytes(let value): return .int(Int64(value.count))
        case .list(let list): return .int(Int64(list.count))
        case .map(let map): return .int(Int64(map.count))
        default: throw CELError.noSuchOverload("size", arguments)
        }
    }
}

/// The names that denote types and constants.
enum TypeConstants {
    private static let types: [String: CELType] = [
        "bool": .bool, "int": .int, "uint": .uint, "double": .double, "string": .string, "bytes": .bytes,
        "list": .list(.dyn), "map": .map(.dyn, .dyn), "null_type": .null, "type": .type(.dyn),
        "optional_type": .optional(.dyn), "google.protobuf.Timestamp": .timestamp,
        "google.protobuf.Duration": .duration, "net.IP": .abstract("net.IP", []),
        "net.CIDR": .abstract("net.CIDR", []),
    ]
    private static let libraryTypes: [String: CELType] = Dictionary(
        FunctionLibrary.all.flatMap(\.types).map { ($0.description, $0) }, uniquingKeysWith: { first, _ in first })
    private static let nullValue = "google.protobuf.NullValue.NULL_VALUE"

    static func value(of name: String) -> CELValue? {
        if types[name] != nil || libraryTypes[name] != nil { return .type(name) }
        return name == nullValue ? .int(0) : nil
    }

    /// The type of the constant, as the checker sees it.
    static func type(of name: String) -> CELType? {
        (types[name] ?? libraryTypes[name]).map(CELType.type) ?? (name == nullValue ? .int : nil)
    }
}
