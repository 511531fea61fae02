/// A value of an expression that is being written.
indirect enum Operand: Hashable, Sendable {
    case null
    case bool(Bool)
    case number(String)
    case string(String)
    case list([Operand])
    case map([OperandMember])
    case reference(String)
    /// A name with fields from it; its last fields may be absent.
    case field(CELPath)
    /// The plugin that is asked, its path, one segment of it, or the whole path as text.
    case plugin, resourcePath, resourceSegment(Int), resourceText
    /// Any other expression that stands without brackets around it.
    case text(String)
    /// What Rego calls undefined, known beforehand.
    case undefined

    var isLiteral: Bool {
        switch self {
        case .null, .bool, .number, .string: true
        case .list(let items): items.allSatisfy(\.isLiteral)
        default: false
        }
    }

    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .number(let text): text
        case .string(let text): Self.quoted(text)
        case .list(let items): "[" + items.map(\.text).joined(separator: ", ") + "]"
        case .map(let members): "{" + members.map { "\($0.key.text): \($0.value.text)" }.joined(separator: ", ") + "}"
        case .reference(let name): "reference(\(Self.quoted(name)))"
        case .field(let path): path.text
        case .plugin: "request.plugin"
        case .resourcePath: "request.path"
        case .resourceSegment(let index): "request.path[\(index)]"
        case .resourceText: "request.resource"
        case .text(let text): text
        case .undefined: "null"
        }
    }

    /// A submodule as a whole, whose members have other names here than in a token.
    var isSubmodule: Bool {
        if case .field(let path) = self { return path.root == "submods" && path.steps.count == 1 }
        return false
    }

    /// A trust vector as a whole, which is empty here when a token has none.
    var isVector: Bool {
        if case .field(let path) = self { return path.isVector }
        return false
    }

    /// A condition that is true when the value is there; `nil` when it always is, or cannot be asked for.
    var presence: String? {
        if case .field(let path) = self { return path.presence }
        if case .list(let items) = self {
            let all = items.compactMap(\.presence)
            return all.isEmpty ? nil : all.joined(separator: " && ")
        }
        return nil
    }

    /// A CEL string literal.
    static func quoted(_ text: String) -> String {
        var result = "'"
        for scalar in text.unicodeScalars {
            switch scalar {
            case "'": result += "\\'"
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\t": result += "\\t"
            case "\r": result += "\\r"
            case "\u{20}"..."\u{7E}": result.unicodeScalars.append(scalar)
            default:
                let digits = String(scalar.value, radix: 16)
                result += "\\U" + String(repeating: "0", count: 8 - digits.count) + digits
            }
        }
        return result + "'"
    }
}

struct OperandMember: Hashable, Sendable {
    let key: Operand
    let value: Operand
}

/// A path of fields in CEL, such as `claims.snp.measurement`.
struct CELPath: Hashable, Sendable {
    /// A field by name, or an element by an expression.
    enum Step: Hashable, Sendable {
        case name(String)
        case element(String)
    }

    /// What is always there, such as `claims`.
    let root: String
    var steps: [Step] = []

    var text: String { root + steps.map { Self.text($0, isOptional: false) }.joined() }

    /// A condition that is true when all of the path is there.
    var presence: String? {
        guard let last = steps.last else { return nil }
        if steps.count == 1, case .name(let name) = last, Self.isIdentifier(name) { return "has(\(text))" }
        return root + steps.map { Self.text($0, isOptional: true) }.joined() + ".hasValue()"
    }

    var isVector: Bool { steps.isEmpty && (root == "trust" || (root.hasPrefix("submods") && root.hasSuffix(".trust"))) }

    func appending(_ step: Step) -> CELPath { CELPath(root: root, steps: steps + [step]) }

    private static func text(_ step: Step, isOptional: Bool) -> String {
        switch step {
        case .name(let name) where isIdentifier(name): isOptional ? ".?\(name)" : ".\(name)"
        case .name(let name): isOptional ? "[?\(Operand.quoted(name))]" : "[\(Operand.quoted(name))]"
        case .element(let text): isOptional ? "[?\(text)]" : "[\(text)]"
        }
    }

    /// Words that CEL keeps for itself cannot be fields behind a dot everywhere.
    private static let reserved: Set<String> = [
        "as", "break", "const", "continue", "else", "false", "for", "function", "if", "import", "in", "let", "loop",
        "namespace", "null", "package", "return", "true", "var", "void", "while",
    ]

    private static func isIdentifier(_ text: String) -> Bool {
        guard let first = text.utf8.first, !reserved.contains(text), !(0x30...0x39).contains(first) else {
            return false
        }
        return text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
        }
    }
}
