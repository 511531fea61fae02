/// A JSON value (RFC 8259) as read from or written to the wire.
///
/// Integers keep their exact value: whatever fits `Int64` is `.int`, larger ones that fit `UInt64` are `.uint`, everything
/// else (fractions, exponents, larger integers, negative zero) is `.double`.
public enum JSONValue: Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// An integer within the range of `Int64`.
    case int(Int64)
    /// An integer above `Int64.max`; never used for smaller ones.
    case uint(UInt64)
    /// Any other number; finite when it came from the parser.
    case double(Double)
    /// A string. Compared by code points, not by Unicode canonical equivalence.
    case string(String)
    /// An array.
    case array([JSONValue])
    /// An object with its member order.
    case object(JSONObject)
}

extension JSONValue {
    /// The string, or `nil` when this is something else.
    public var stringValue: String? {
        if case .string(let text) = self { text } else { nil }
    }

    /// The integer when it fits `Int64`, or `nil`. Doubles are not converted.
    public var intValue: Int64? {
        if case .int(let number) = self { number } else { nil }
    }

    /// The non-negative integer, or `nil`. Doubles are not converted.
    public var uintValue: UInt64? {
        switch self {
        case .int(let number): UInt64(exactly: number)
        case .uint(let number): number
        default: nil
        }
    }

    /// The number as a double (integers are converted, possibly rounded), or `nil` when this is no number.
    public var doubleValue: Double? {
        switch self {
        case .int(let number): Double(number)
        case .uint(let number): Double(number)
        case .double(let number): number
        default: nil
        }
    }

    /// The Boolean, or `nil` when this is something else.
    public var boolValue: Bool? {
        if case .bool(let flag) = self { flag } else { nil }
    }

    /// The elements, or `nil` when this is no array.
    public var arrayValue: [JSONValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The object, or `nil` when this is something else.
    public var objectValue: JSONObject? {
        if case .object(let object) = self { object } else { nil }
    }

    /// The bytes of an array of integers from 0 to 255 (the form in which serde writes `Vec<u8>`), or `nil`.
    public var byteArrayValue: [UInt8]? {
        guard case .array(let elements) = self else { return nil }
        var bytes = [UInt8]()
        bytes.reserveCapacity(elements.count)
        for element in elements {
            guard case .int(let number) = element, let byte = UInt8(exactly: number) else { return nil }
            bytes.append(byte)
        }
        return bytes
    }

    /// Whether this is `null`.
    public var isNull: Bool {
        if case .null = self { true } else { false }
    }

    /// The member of an object, or `nil` when there is none or this is no object.
    public subscript(_ member: String) -> JSONValue? {
        if case .object(let object) = self { object[member] } else { nil }
    }
}

extension JSONValue: Hashable {
    /// Compares by JSON value: strings by code points, objects without regard to member order.
    public static func == (left: JSONValue, right: JSONValue) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        case (.uint(let a), .uint(let b)): a == b
        case (.double(let a), .double(let b)): a == b
        case (.string(let a), .string(let b)): ExactString.equal(a, b)
        case (.array(let a), .array(let b)): a == b
        case (.object(let a), .object(let b)): a == b
        default: false
        }
    }

    /// Hashes consistently with `==`.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let flag): hasher.combine(flag)
        case .int(let number): hasher.combine(number)
        case .uint(let number): hasher.combine(number)
        case .double(let number): hasher.combine(number)
        case .string(let text): ExactString.hash(text, into: &hasher)
        case .array(let elements): hasher.combine(elements)
        case .object(let object): hasher.combine(object)
        }
    }
}

// There is no `nil` literal for `null` on purpose: it would turn absent members into `null` in many a conditional.
extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByFloatLiteral,
    ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
    /// A JSON string.
    public init(stringLiteral value: String) { self = .string(value) }
    /// A JSON integer.
    public init(integerLiteral value: Int64) { self = .int(value) }
    /// A JSON number.
    public init(floatLiteral value: Double) { self = .double(value) }
    /// A JSON Boolean.
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// A JSON array.
    public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
    /// A JSON object in the order written; of a repeated name the last value counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        self = .object(JSONObject(elements))
    }
}

extension JSONValue {
    /// The integer as a JSON number: `.int` where it fits, else `.uint`.
    public init(_ number: UInt64) {
        if let small = Int64(exactly: number) { self = .int(small) } else { self = .uint(number) }
    }
}

extension JSONValue: CustomStringConvertible {
    /// The compact JSON text.
    public var description: String { serializedString() }
}
