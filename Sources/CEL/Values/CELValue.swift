import Encodings

/// A value of the Common Expression Language.
public enum CELValue: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A signed 64-bit integer.
    case int(Int64)
    /// An unsigned 64-bit integer.
    case uint(UInt64)
    /// An IEEE 754 double.
    case double(Double)
    /// Unicode code points, compared without normalisation.
    case string(String)
    /// Octets.
    case bytes([UInt8])
    /// An ordered list.
    case list([CELValue])
    /// A map in the order of its literal or JSON object.
    case map(CELMap)
    /// A length of time.
    case duration(CELDuration)
    /// A point in time.
    case timestamp(CELTimestamp)
    /// A type, by its name.
    case type(String)
    /// An optional value (`optional.of`, `optional.none`).
    indirect case optional(CELValue?)
    /// A value of a library, such as an IP address.
    indirect case opaque(any CELOpaqueValue)

    /// An empty map.
    public static let emptyMap = CELValue.map(CELMap())

    /// The name of the value's type, as `type(x)` gives it.
    public var typeName: String {
        switch self {
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .list: "list"
        case .map: "map"
        case .duration: "google.protobuf.Duration"
        case .timestamp: "google.protobuf.Timestamp"
        case .type: "type"
        case .optional: "optional_type"
        case .opaque(let value): value.typeName
        }
    }

    /// The boolean, or nil when this is something else.
    public var boolValue: Bool? { if case .bool(let value) = self { value } else { nil } }
    /// The string, or nil when this is something else.
    public var stringValue: String? { if case .string(let value) = self { value } else { nil } }
    /// The signed integer, or nil when this is something else.
    public var intValue: Int64? { if case .int(let value) = self { value } else { nil } }
    /// The list, or nil when this is something else.
    public var listValue: [CELValue]? { if case .list(let value) = self { value } else { nil } }
    /// The map, or nil when this is something else.
    public var mapValue: CELMap? { if case .map(let value) = self { value } else { nil } }
}

/// A value that a library adds to the language, with a type of its own.
public protocol CELOpaqueValue: Sendable {
    /// The name of the type, such as `net.IP`.
    var typeName: String { get }
    /// The text that `string(x)` and explanations give.
    var text: String { get }
    /// About how many bytes have to be looked at to compare the value or to write it out; 0 where that is little.
    var size: Int { get }
    /// Whether two values of this type are equal; another type is never equal.
    func isEqual(to other: any CELOpaqueValue) -> Bool
}

extension CELOpaqueValue {
    /// Little.
    public var size: Int { 0 }
}

// Not by nil: that would turn a missing value into null wherever an optional one meets a plain one.
extension CELValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A CEL string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A CEL int.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// A CEL double.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// A CEL bool.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A CEL list.
    public init(arrayLiteral elements: CELValue...) { self = .list(elements) }
    /// A CEL map with string keys.
    public init(dictionaryLiteral elements: (String, CELValue)...) {
        var map = CELMap()
        for (name, value) in elements { map.insert(value, for: .string(name)) }
        self = .map(map)
    }
}
