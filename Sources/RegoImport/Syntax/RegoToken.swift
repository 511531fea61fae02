/// One word or sign of a Rego text.
struct RegoToken: Sendable, Hashable {
    enum Kind: Sendable, Hashable {
        case name(String)
        case string(String)
        case number(String)
        /// An operator or bracket, such as `:=` or `{`.
        case sign(String)
        /// The end of one or more lines.
        case newline
        case end
    }

    let kind: Kind
    let line: Int
    /// Whether white space, or the beginning of a line, stands before it.
    let isSpaced: Bool
}
