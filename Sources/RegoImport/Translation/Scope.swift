/// What the local names of a body stand for, while it is translated.
struct Scope {
    static let resourcePath = RegoTerm.path("data", [.string("resource-path")])

    /// The line that is being translated.
    var line = 0
    /// Terms by name; a path whose root begins with '%' is a variable of the expression that is being written.
    private var bindings: [String: RegoTerm] = [:]
    /// The variables of macros around this place.
    private var macroNames: Set<String> = []

    func isBound(_ name: String) -> Bool { bindings[name] != nil }

    mutating func forget(_ name: String) { bindings[name] = nil }

    /// Each `_` is another one, and never means what an earlier one did.
    mutating func bind(_ name: String, to term: RegoTerm) {
        if name != "_" { bindings[name] = term }
    }

    /// Takes a name for a new variable of a macro, the given one if it can be used.
    mutating func newMacroVariable(_ name: String?) -> String {
        let word = name.flatMap { Self.isUsable($0) ? $0 : nil } ?? "item"
        var candidate = word
        var number = 2
        while macroNames.contains(candidate) {
            candidate = "\(word)\(number)"
            number += 1
        }
        macroNames.insert(candidate)
        return candidate
    }

    /// The scope of a rule that is called from here: none of the names, but the same variables around it.
    func inner() -> Scope {
        var scope = Scope()
        scope.macroNames = macroNames
        scope.line = line
        return scope
    }

    /// The term with every local name replaced by what it stands for.
    func resolve(_ term: RegoTerm) -> RegoTerm {
        switch term {
        case .path(let root, let steps):
            let inner = steps.map(resolve)
            guard let bound = bindings[root] else { return .path(root, inner) }
            return inner.reduce(bound) { Self.member($1, of: $0) }
        case .call(let name, let arguments): return .call(name, arguments.map(resolve))
        case .member(let value, let steps): return steps.map(resolve).reduce(resolve(value)) { Self.member($1, of: $0) }
        case .binary(let sign, let left, let right): return .binary(sign, resolve(left), resolve(right))
        case .list(let items): return .list(items.map(resolve))
        case .set(let items): return .set(items.map(resolve))
        case .object(let members):
            return .object(members.map { RegoMember(key: resolve($0.key), value: resolve($0.value)) })
        case .null, .bool, .number, .string, .unsupported: return term
        }
    }

    private static func member(_ step: RegoTerm, of term: RegoTerm) -> RegoTerm {
        switch term {
        case .path(let root, let steps): return .path(root, steps + [step])
        case .list(let items):
            if case .number(let text) = step, let index = Int(text), items.indices.contains(index), term.isWrittenOut {
                return items[index]
            }
            return .unsupported("an element of a list that is written out")
        case .object(let members):
            let found = members.filter { $0.key == step }
            guard term.isWrittenOut, found.count == 1 else {
                return .unsupported("a member of an object that is written out")
            }
            return found[0].value
        // The segments of a path that was split are those of the request.
        case .call("split", [resourcePath, .string("/")]),
            .call("split", [.call("concat", [.string("/"), resourcePath]), .string("/")]):
            return .path("data", [.string("resource-path"), step])
        default: return .unsupported("a part of a computed value")
        }
    }

    private static func isUsable(_ name: String) -> Bool {
        let taken: Set = [
            "_", "tee", "status", "trust", "claims", "submods", "request", "attestation", "now", "variables",
            "reference",
            "class", "init_data", "init_data_claims", "report_data", "runtime_data_claims", "as", "break", "const",
            "continue", "else", "for", "function", "if", "import", "in", "let", "loop", "namespace", "package",
            "return",
            "var", "void", "while", "size", "has", "all", "exists", "map", "filter", "int", "uint", "double", "string",
            "bytes", "bool", "type", "dyn", "duration", "timestamp", "math", "cel", "optional", "ip", "cidr",
        ]
        return !taken.contains(name)
    }
}
