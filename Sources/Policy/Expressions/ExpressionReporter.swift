import CEL

/// Turns what is wrong with an expression into diagnostics at the place in the YAML source.
struct ExpressionReporter {
    let field: Field
    let scalar: YAMLScalar
    let names: [String: NameTree]

    /// What the expression may refer to.
    var environment: CELEnvironment {
        var variables: [String: CELType] = [ReferenceCalls.function: .map(.string, .dyn)]
        for name in names.keys { variables[name] = Self.types[name] ?? .dyn }
        return CELEnvironment(variables: variables)
    }

    private static let types: [String: CELType] = [
        "tee": .string, "status": .string, "class": .string, "now": .timestamp, "init_data": .string,
        "report_data": .string,
    ]

    /// Whether every path that the program uses leads somewhere; those that do not are reported.
    func check(_ program: CELProgram, yields type: CELType) -> Bool {
        var isRight = true
        if type != .dyn, program.resultType != .dyn, program.resultType != type {
            isRight = false
            report(
                "wrong_type", offset: 0, "The expression gives \(program.resultType), not \(type).",
                hint: type == .bool ? "compare it with something" : nil)
        }
        for reference in program.references {
            guard let root = reference.path.first, root != ReferenceCalls.function else { continue }
            guard let tree = names[root] else {
                isRight = false
                reportUndeclared(root, offset: reference.offset)
                continue
            }
            let path = Array(reference.path.dropFirst())
            guard let dead = tree.deadEnd(of: path) else { continue }
            isRight = false
            let known = ([root] + path.prefix(dead.depth)).joined(separator: ".")
            let name = path[dead.depth]
            report(
                root == "claims" || root == "submods" ? "unknown_claim" : "unknown_name",
                offset: offset(of: name, in: reference, after: dead.depth),
                dead.known.isEmpty
                    ? "'\(known)' is a plain value and has no '\(name)'." : "There is no '\(name)' in '\(known)'.",
                hint: dead.known.isEmpty ? nil : NearestName.hint(for: name, among: dead.known))
        }
        return isRight
    }

    func report(_ refusal: ReferenceCalls.Refusal) {
        report("expression", offset: refusal.offset, refusal.message, hint: nil)
    }

    func report(_ error: CELError) {
        guard error.kind == .undeclaredReference else {
            report("expression", offset: error.offset, "The expression is wrong: \(error.message).", hint: nil)
            return
        }
        reportUndeclared(identifier(at: error.offset), offset: error.offset)
    }

    private func reportUndeclared(_ name: String, offset: Int) {
        let known = names.keys.sorted() + [ReferenceCalls.function]
        report(
            "undeclared_variable", offset: offset, "There is no variable or function '\(name)' here.",
            hint: NearestName.hint(for: name, among: known))
    }

    private func report(_ code: String, offset: Int, _ message: String, hint: String?) {
        let position = field.context.position(of: offset, in: scalar, of: field.node)
        field.context.report(code, at: position, path: field.path, message, hint: hint)
    }

    /// Where the name stands in a path of which `depth` members before it are right.
    private func offset(of name: String, in reference: CELReference, after depth: Int) -> Int {
        let before = reference.path.prefix(depth + 1).reduce(0) { $0 + $1.unicodeScalars.count + 1 }
        let text = Array(scalar.text.unicodeScalars)
        let wanted = Array(name.unicodeScalars)
        let start = reference.offset + before
        guard start <= text.count - wanted.count else { return reference.offset }
        let places = start...(text.count - wanted.count)
        return places.first { text[$0..<($0 + wanted.count)].elementsEqual(wanted) } ?? reference.offset
    }

    private func identifier(at offset: Int) -> String {
        let rest = scalar.text.unicodeScalars.dropFirst(offset)
        return String(
            String.UnicodeScalarView(
                rest.prefix { $0 == "_" || $0.properties.isAlphabetic || ("0"..."9").contains($0) }))
    }
}
