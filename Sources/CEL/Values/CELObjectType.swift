/// The type of a map with string keys of which the keys are declared, such as the claims of one kind of evidence.
///
/// A declaration is for the checker alone: values stay maps, and a declared field may be absent. Selecting an absent
/// field is an error when evaluated (`no_such_key`), which `has(e.f)`, `e.?f` and `e[?'f']` guard against.
///
/// JSON decides at run time what a number is: written without fraction and exponent it is `int` (`uint` above
/// `Int64.max`), otherwise `double`. Declare a claim that is always whole as `.int`: then `claim >= 22` and `claim == 22`
/// compile, `claim == '22'` and `claim == 22.0` do not. Declare one that may have a fraction as `.double`: then
/// `claim >= 22` and `claim == 22.0` compile, and hold for `22` as well as for `22.0`, because values are compared across
/// the numeric types. Declare one that may be null as `.wrapper(type)`, one of which nothing is known as `.dyn`.
public struct CELObjectType: Sendable, Hashable {
    /// A declared field.
    public struct Field: Sendable {
        /// The type of its value.
        public let type: CELType
        /// What it means, in a sentence for authors of expressions.
        public let description: String?

        /// A field.
        public init(_ type: CELType, description: String? = nil) {
            self.type = type
            self.description = description
        }
    }

    /// The name that errors give; a path such as `claims.snp` tells an author most.
    public let name: String
    /// The fields by name.
    public let fields: [String: Field]
    /// Whether other fields may be selected as well, as `dyn`.
    public let isOpen: Bool

    /// An object type. Two types of one name are taken for the same type, so names must be unique in an environment.
    public init(name: String, fields: [String: Field], isOpen: Bool = false) {
        self.name = name
        self.fields = fields
        self.isOpen = isOpen
    }

    /// An object type of fields without descriptions.
    public init(name: String, fields: [String: CELType], isOpen: Bool = false) {
        self.init(name: name, fields: fields.mapValues { Field($0) }, isOpen: isOpen)
    }

    /// The type of a field; nil when an expression may not select it.
    public func type(of field: String) -> CELType? { fields[field]?.type ?? (isOpen ? .dyn : nil) }

    /// Types of one name are one type: comparing the fields would walk whole catalogues.
    public static func == (left: CELObjectType, right: CELObjectType) -> Bool { left.name == right.name }
    /// Hashes the name alone, as `==` compares it.
    public func hash(into hasher: inout Hasher) { hasher.combine(name) }
}
