import Encodings

/// One field of a document: its name, what it may hold, and what it means.
///
/// A schema says what can be said without compiling expressions and without looking at other documents. It never
/// refuses what the parser accepts, with two exceptions: lists that are sets may not repeat an item, and lengths of
/// texts are characters here and bytes in the parser.
struct SchemaField: Sendable, Hashable {
    let name: String
    let documentation: String
    let isRequired: Bool
    let value: SchemaValue
    /// What the absence of the field means, where that is a value that could have been written.
    let assumed: JSONValue?

    static func required(_ name: String, _ value: SchemaValue, _ documentation: String) -> SchemaField {
        SchemaField(name: name, documentation: documentation, isRequired: true, value: value, assumed: nil)
    }

    static func optional(
        _ name: String, _ value: SchemaValue, _ documentation: String, assumed: JSONValue? = nil
    ) -> SchemaField {
        SchemaField(name: name, documentation: documentation, isRequired: false, value: value, assumed: assumed)
    }
}

/// What a field may hold.
indirect enum SchemaValue: Sendable, Hashable {
    case text(TextSchema)
    /// One of a fixed set of words.
    case word([String])
    case boolean
    /// A boolean of which only one value can be asked for.
    case only(Bool)
    case integer(ClosedRange<Int64>)
    case object(ObjectSchema)
    case list(ListSchema)
    /// A mapping of free names to texts, such as labels; at most `maximum` where there is a bound.
    case textsByName(TextSchema, maximum: Int? = nil)
    /// Any JSON value.
    case anything
}

/// The bounds of a text.
struct TextSchema: Sendable, Hashable {
    var minimumLength = 0
    var maximumLength: Int
    /// A regular expression in the syntax that RE2 and ECMA 262 share.
    var pattern: String?
    /// The OpenAPI name of the text's form, such as `date-time`.
    var format: String?
    /// A text that the field accepts.
    var example: String
}

/// The fields of a mapping.
struct ObjectSchema: Sendable, Hashable {
    var fields: [SchemaField]
    var minimumFields = 0
    /// Optional fields of which exactly one must be there.
    var exactlyOneOf: [String] = []
    /// Conditions between fields.
    var rules: [SchemaRule] = []

    subscript(name: String) -> SchemaField? { fields.first { $0.name == name } }
}

/// A condition between the fields of a mapping, in CEL as the API server of Kubernetes evaluates it (`self` is the
/// mapping). One that names `oldSelf` is about changes, and only where an object replaces another.
struct SchemaRule: Sendable, Hashable {
    let expression: String
    let message: String
    /// The field to which the message is attached.
    let field: String
    /// The same in the words of JSON Schema, where it has them.
    var jsonSchema: JSONObject?
}

/// The bounds of a list.
struct ListSchema: Sendable, Hashable {
    /// How items are told apart when several owners write one list.
    enum Identity: Sendable, Hashable {
        /// The list has one owner.
        case atomic
        /// Items are scalars and may not repeat.
        case set
        /// Items are mappings, told apart by one of their fields.
        case map(key: String)
    }

    var item: SchemaValue
    var minimum = 1
    var maximum: Int
    var identity = Identity.atomic
}
