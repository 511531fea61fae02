/// A type as the checker sees it.
public indirect enum CELType: Sendable, Hashable {
    /// Anything; operations on it are checked when evaluated.
    case dyn
    /// The type of `null`.
    case null
    /// `bool`
    case bool
    /// `int`
    case int
    /// `uint`
    case uint
    /// `double`
    case double
    /// `string`
    case string
    /// `bytes`
    case bytes
    /// A length of time.
    case duration
    /// A point in time.
    case timestamp
    /// A list of elements of one type.
    case list(CELType)
    /// A map from keys of one type to values of one type.
    case map(CELType, CELType)
    /// A map with declared fields, such as the claims of one kind of evidence.
    case object(CELObjectType)
    /// The type of types.
    case type(CELType)
    /// `optional_type`
    case optional(CELType)
    /// A scalar or null (the wrapper messages of protocol buffers).
    case wrapper(CELType)
    /// A type of a library, with parameters.
    case abstract(String, [CELType])
    /// A type parameter of a function declaration.
    case parameter(String)
}

/// The signatures of a function.
public struct CELFunctionDeclaration: Sendable, Hashable {
    /// One signature; a receiver is the first parameter.
    public struct Overload: Sendable, Hashable {
        /// The types of the arguments.
        public let parameters: [CELType]
        /// The type of the result.
        public let result: CELType
        /// Whether it is called as `a.f(b)`.
        public let isReceiver: Bool

        /// A signature.
        public init(_ parameters: [CELType], _ result: CELType, isReceiver: Bool = false) {
            self.parameters = parameters
            self.result = result
            self.isReceiver = isReceiver
        }
    }

    /// The name, which may be qualified.
    public let name: String
    /// The signatures.
    public let overloads: [Overload]

    /// A declaration.
    public init(_ name: String, _ overloads: [Overload]) {
        self.name = name
        self.overloads = overloads
    }
}

extension CELType: CustomStringConvertible {
    /// The type as an author writes it, such as `list(string)`.
    public var description: String {
        switch self {
        case .dyn: "dyn"
        case .null: "null_type"
        case .bool: "bool"
        case .int: "int"
        case .uint: "uint"
        case .double: "double"
        case .string: "string"
        case .bytes: "bytes"
        case .duration: "google.protobuf.Duration"
        case .timestamp: "google.protobuf.Timestamp"
        case .list(let element): "list(\(element))"
        case .map(let key, let value): "map(\(key), \(value))"
        case .object(let object): object.name
        case .type(let inner): inner == .dyn ? "type" : "type(\(inner))"
        case .optional(let inner): "optional_type(\(inner))"
        case .wrapper(let inner): "wrapper(\(inner))"
        case .abstract(let name, let parameters):
            parameters.isEmpty ? name : "\(name)(\(parameters.map(\.description).joined(separator: ", ")))"
        case .parameter(let name): name
        }
    }
}
