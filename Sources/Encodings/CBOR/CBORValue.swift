/// A data item of CBOR (RFC 8949).
public indirect enum CBORValue: Sendable {
    /// An unsigned integer (major type 0).
    case unsigned(UInt64)
    /// A negative integer, -1 less this number (major type 1).
    case negative(UInt64)
    /// A byte string.
    case bytes([UInt8])
    /// A text string. Compared by code points, not by Unicode canonical equivalence.
    case text(String)
    /// An array.
    case array([CBORValue])
    /// A map.
    case map(CBORMap)
    /// An item with a tag.
    case tagged(UInt64, CBORValue)
    /// `true` or `false`.
    case bool(Bool)
    /// `null`.
    case null
    /// `undefined`.
    case undefined
    /// Any other simple value.
    case simple(UInt8)
    /// A floating-point number of half, single or double precision.
    case float(Double)
}

extension CBORValue {
    /// An integer.
    public init(_ number: Int64) {
        self = number < 0 ? .negative(UInt64(bitPattern: ~number)) : .unsigned(UInt64(number))
    }

    /// The integer when it fits `Int64`, or `nil`. Floating-point numbers are not converted.
    public var intValue: Int64? {
        switch self {
        case .unsigned(let number): Int64(exactly: number)
        case .negative(let number): Int64(exactly: number).map { ~$0 }
        default: nil
        }
    }

    /// The unsigned integer, or `nil`.
    public var uintValue: UInt64? {
        if case .unsigned(let number) = self { number } else { nil }
    }

    /// The byte string, or `nil`.
    public var bytesValue: [UInt8]? {
        if case .bytes(let bytes) = self { bytes } else { nil }
    }

    /// The text string, or `nil`.
    public var textValue: String? {
        if case .text(let text) = self { text } else { nil }
    }

    /// The elements of an array, or `nil`.
    public var arrayValue: [CBORValue]? {
        if case .array(let elements) = self { elements } else { nil }
    }

    /// The map, or `nil`.
    public var mapValue: CBORMap? {
        if case .map(let map) = self { map } else { nil }
    }

    /// The item behind this tag, or `nil` when this is anything else.
    public func tagged(_ tag: UInt64) -> CBORValue? {
        if case .tagged(tag, let content) = self { content } else { nil }
    }
}

extension CBORValue: Hashable {
    /// Compares within the generic data model: texts by code points, maps without regard to the order of their keys,
    /// floating-point numbers by their bits and never equal to integers.
    public static func == (left: CBORValue, right: CBORValue) -> Bool {
        switch (left, right) {
        case (.unsigned(let a), .unsigned(let b)), (.negative(let a), .negative(let b)): a == b
        case (.bytes(let a), .bytes(let b)): a == b
        case (.text(let a), .text(let b)): ExactString.equal(a, b)
        case (.array(let a), .array(let b)): a == b
        case (.map(let a), .map(let b)): a == b
        case (.tagged(let tag, let a), .tagged(let other, let b)): tag == other && a == b
        case (.bool(let a), .bool(let b)): a == b
        case (.null, .null), (.undefined, .undefined): true
        case (.simple(let a), .simple(let b)): a == b
        case (.float(let a), .float(let b)): a.bitPattern == b.bitPattern
        default: false
        }
    }

    /// Hashes consistently with `==`.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .unsigned(let number): hasher.combine(number)
        case .negative(let number):
            hasher.combine(1)
            hasher.combine(number)
        case .bytes(let bytes): hasher.combine(bytes)
        case .text(let text): ExactString.hash(text, into: &hasher)
        case .array(let elements): hasher.combine(elements)
        case .map(let map): hasher.combine(map)
        case .tagged(let tag, let content):
            hasher.combine(tag)
            hasher.combine(content)
        case .bool(let flag): hasher.combine(flag)
        case .null: hasher.combine(22)
        case .undefined: hasher.combine(23)
        case .simple(let number): hasher.combine(number)
        case .float(let number): hasher.combine(number.bitPattern)
        }
    }
}

extension CBORValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// A text string.
    public init(stringLiteral value: String) { self = .text(value) }
    /// An integer.
    public init(integerLiteral value: Int64) { self.init(value) }
    /// An array.
    public init(arrayLiteral elements: CBORValue...) { self = .array(elements) }
    /// A map in the order written; of a repeated key the last value counts.
    public init(dictionaryLiteral elements: (CBORValue, CBORValue)...) { self = .map(CBORMap(elements)) }
}
