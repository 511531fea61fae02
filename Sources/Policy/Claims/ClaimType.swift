import CEL
import Encodings

/// What the value of a claim can be.
public indirect enum ClaimType: Sendable {
    /// `true` or `false`.
    case boolean
    /// A whole number from 0 to this one.
    case integer(upTo: Int64)
    /// A whole number from −128 to 127: an AR4SI grade.
    case grade
    /// A whole number of seconds since 1970-01-01T00:00:00Z.
    case unixTime
    /// Any text.
    case text
    /// A text out of these, as far as they are known.
    case word([String])
    /// A text of lowercase hexadecimal digits for so many bytes; `nil` when the number differs.
    case hex(Int?)
    /// A text in standard base64 for so many bytes; `nil` when the number differs.
    case base64(Int?)
    /// A text that is a whole number in decimal digits.
    case decimalText
    /// The text `true` or `false`.
    case booleanText
    /// A text with date and time (RFC 3339).
    case time
    /// A length of time, in expressions.
    case duration
    /// A point in time, in expressions.
    case timestamp
    /// The value or `null`.
    case nullable(ClaimType)
    /// A list of values of one type.
    case list(ClaimType)
    /// An object with free names and values of one type.
    case map(ClaimType)
    /// An object with these members and no others.
    case object([Claim])
    /// An object with these members, and others of which nothing is known.
    case open([Claim])
    /// Anything: its form is up to whoever made it.
    case anything

    /// The type in a few words, with size and encoding.
    public var summary: String {
        switch self {
        case .boolean: "boolean"
        case .integer(let maximum): maximum < 1 << 31 ? "integer, 0 to \(maximum)" : "integer"
        case .grade: "integer, −128 to 127"
        case .unixTime: "integer, seconds since 1970"
        case .text: "text"
        case .word(let words): "text: " + words.joined(separator: ", ")
        case .hex(let count): "hex" + Self.bytes(count)
        case .base64(let count): "base64" + Self.bytes(count)
        case .decimalText: "text of decimal digits"
        case .booleanText: "text: true, false"
        case .time: "text: time (RFC 3339)"
        case .duration: "duration"
        case .timestamp: "timestamp"
        case .nullable(let inner): inner.summary + ", or null"
        case .list(let element): "list of " + element.summary
        case .map(let value): "map to " + value.summary
        case .object: "object"
        case .open: "object, open"
        case .anything: "anything"
        }
    }

    private static func bytes(_ count: Int?) -> String {
        guard let count else { return "" }
        return count == 1 ? ", 1 byte" : ", \(count) bytes"
    }

    /// The members of an object, or of the objects in a list or map.
    public var members: [Claim] {
        switch self {
        case .object(let members), .open(let members): members
        case .list(let inner), .map(let inner), .nullable(let inner): inner.members
        default: []
        }
    }

    /// An example as far as members have theirs.
    var example: JSONValue {
        switch self {
        case .object(let members), .open(let members): members.example
        case .list(let element): .array([element.example])
        default: .null
        }
    }

    /// The type as expressions see it; `path` names the object in error messages and must be unique.
    func declared(as path: String) -> CELType {
        switch self {
        case .boolean: .bool
        case .integer, .grade, .unixTime: .int
        case .text, .word, .hex, .base64, .decimalText, .booleanText, .time: .string
        case .duration: .duration
        case .timestamp: .timestamp
        case .nullable(let inner): .wrapper(inner.declared(as: path))
        case .list(let element): .list(element.declared(as: path + "[]"))
        case .map(let value): .map(.string, value.declared(as: path + "[]"))
        case .object(let members): .object(members.declaration(path))
        case .open(let members): .object(members.declaration(path, isOpen: true))
        case .anything: .dyn
        }
    }
}

extension [Claim] {
    /// The members as one object type.
    func declaration(_ path: String, isOpen: Bool = false) -> CELObjectType {
        let fields = map { claim in
            let type = claim.type.declared(as: ClaimPath.text(claim.name, after: path))
            return (claim.name, CELObjectType.Field(type, description: claim.meaning))
        }
        return CELObjectType(
            name: path, fields: Dictionary(fields, uniquingKeysWith: { first, _ in first }), isOpen: isOpen)
    }
}
