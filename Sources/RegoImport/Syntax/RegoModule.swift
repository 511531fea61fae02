/// A Rego text, as far as policies of key brokers use the language.
struct RegoModule: Sendable {
    let package: String
    /// What imports of parts of `input` or `data` are called; nothing else may have these names.
    let imports: Set<String>
    let rules: [RegoRule]

    func rules(named name: String) -> [RegoRule] { rules.filter { $0.name == name } }
}

/// One rule: a value under conditions.
struct RegoRule: Sendable {
    /// What is given when the body holds.
    struct Branch: Sendable {
        /// `nil` means `true`.
        let value: RegoTerm?
        /// Empty when nothing is asked.
        let body: [RegoLiteral]

        /// Whether it gives true, and nothing else, when its body holds.
        var isPlainlyTrue: Bool { value == nil || value == .bool(true) }
    }

    let name: String
    let line: Int
    let isDefault: Bool
    /// The parameters of a function.
    let parameters: [String]?
    /// What it adds to a set: `name contains x`, `name[x]`.
    let member: RegoTerm?
    /// The rule, and then each `else`.
    let branches: [Branch]

    /// Whether it adds to a set.
    var isPartial: Bool { member != nil }
}

/// One line of a body.
struct RegoLiteral: Sendable {
    indirect enum Form: Sendable {
        case term(RegoTerm)
        case not(RegoTerm)
        /// `x := value`, or `x = value`.
        case assign(RegoTerm, RegoTerm, isUnification: Bool)
        case declare([String])
        case some(key: String?, value: String, RegoTerm)
        case every(key: String?, value: String, RegoTerm, [RegoLiteral])
        /// Something that is not understood; the sentence says what.
        case unsupported(String)
    }

    let form: Form
    let line: Int
}

/// A value or how to get at it.
indirect enum RegoTerm: Sendable, Hashable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    /// A name with steps from it: `input.submods["cpu0"]`.
    case path(String, [RegoTerm])
    case call(String, [RegoTerm])
    /// Steps from the value of a call: `split(x, "/")[0]`.
    case member(RegoTerm, [RegoTerm])
    case binary(String, RegoTerm, RegoTerm)
    case list([RegoTerm])
    case set([RegoTerm])
    case object([RegoMember])
    /// Something that is not understood; the sentence says what.
    case unsupported(String)
}

/// One member of an object.
struct RegoMember: Sendable, Hashable {
    let key: RegoTerm
    let value: RegoTerm
}
