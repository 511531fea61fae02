import CEL
import RATS

/// Turns what is wrong with an expression into diagnostics at the place in the YAML source.
struct ExpressionReporter {
    let field: Field
    let scalar: YAMLScalar
    let scope: ExpressionScope

    /// Whether the program gives what is wanted; if not, it is reported.
    func check(_ program: CELProgram, yields type: CELType) -> Bool {
        guard type != .dyn, program.resultType != .dyn, program.resultType != type else { return true }
        report(
            "wrong_type", offset: 0, "The expression gives \(program.resultType), not \(type).",
            hint: type == .bool ? "compare it with something" : nil)
        return false
    }

    func report(_ refusal: ReferenceCalls.Refusal) {
        report("expression", offset: refusal.offset, refusal.message, hint: nil)
    }

    /// Reports why the expression does not compile in one environment; `tee` tells which, when there are several.
    func report(_ error: CELError, tee: TEE?, in environment: CELEnvironment) {
        let suffix = tee.map { " (for \($0.rawValue))" } ?? ""
        switch error.kind {
        case .undeclaredReference: reportUndeclared(error, environment)
        case .unknownField: reportUnknown(error, suffix, environment)
        case .noSuchOverload, .typeMismatch:
            report(
                "wrong_type", offset: error.offset, "The types do not fit\(suffix): \(error.message).",
                hint: typeHint(tee))
        default:
            report("expression", offset: error.offset, "The expression is wrong: \(error.message).", hint: nil)
        }
    }

    private func reportUndeclared(_ error: CELError, _ environment: CELEnvironment) {
        let name = error.unknownName?.name ?? identifier(at: error.offset)
        let nearest = error.unknownName?.nearest ?? []
        report(
            "undeclared_variable", offset: error.offset, "There is no variable or function '\(name)' here.",
            hint: nearest.isEmpty
                ? NearestName.hint(for: name, among: environment.variables.keys.sorted())
                : Self.hint(nearest))
    }

    private func reportUnknown(_ error: CELError, _ suffix: String, _ environment: CELEnvironment) {
        guard let unknown = error.unknownName, let owner = unknown.owner else {
            report("unknown_name", offset: error.offset, "The expression is wrong: \(error.message).", hint: nil)
            return
        }
        let place = offset(of: unknown.name, from: error.offset)
        if owner == "claims", let tee = TEE(rawValue: unknown.name), !scope.selectedTEEs.isEmpty {
            let selected = scope.selectedTEEs.map(\.rawValue).joined(separator: ", ")
            report(
                "unselected_tee", offset: place,
                "This policy selects only \(selected) in require.tees: no '\(tee.rawValue)' ever comes here.",
                hint: "add '\(tee.rawValue)' to require.tees, or remove this part")
            return
        }
        let isClaim = owner.hasPrefix("claims") || owner.hasPrefix("submods")
        let known = environment.object(named: owner)?.fields.keys.map(\.self) ?? []
        let near = NearestName.candidates(for: unknown.name, among: known)
        let elsewhere =
            isClaim ? "`claviger claims` lists what there is" : NearestName.hint(for: unknown.name, among: known)
        report(
            isClaim ? "unknown_claim" : "unknown_name", offset: place,
            "There is no '\(unknown.name)' in '\(owner)'\(suffix).", hint: near.isEmpty ? elsewhere : Self.hint(near))
    }

    private static func hint(_ nearest: [String]) -> String {
        "did you mean " + nearest.map { "'\($0)'" }.joined(separator: " or ") + "?"
    }

    private func typeHint(_ tee: TEE?) -> String? {
        guard tee == .azSNPvTPM || (tee == nil && scope.mayConcern(.azSNPvTPM, scalar.text)) else { return nil }
        return "every claim of az-snp-vtpm is a text: compare with 'false' or '22', or convert with int(…)"
    }

    private func report(_ code: String, offset: Int, _ message: String, hint: String?) {
        let position = field.context.position(of: offset, in: scalar, of: field.node)
        field.context.report(code, at: position, path: field.path, message, hint: hint)
    }

    /// Where a name stands that is selected at a place; the place itself is that of the dot or of the index.
    private func offset(of name: String, from start: Int) -> Int {
        let text = Array(scalar.text.unicodeScalars)
        let wanted = Array(name.unicodeScalars)
        guard start >= 0, start <= text.count - wanted.count else { return start }
        let places = start...(text.count - wanted.count)
        return places.first { text[$0..<($0 + wanted.count)].elementsEqual(wanted) } ?? start
    }

    private func identifier(at offset: Int) -> String {
        let rest = scalar.text.unicodeScalars.dropFirst(offset)
        return String(
            String.UnicodeScalarView(
                rest.prefix { $0 == "_" || $0.properties.isAlphabetic || ("0"..."9").contains($0) }))
    }
}

extension CELEnvironment {
    /// The declared object with this name, wherever it stands.
    fileprivate func object(named name: String) -> CELObjectType? {
        variables.values.lazy.compactMap { $0.object(named: name) }.first
    }
}

extension CELType {
    fileprivate func object(named name: String) -> CELObjectType? {
        switch self {
        case .object(let object) where object.name == name: object
        case .object(let object): object.fields.values.lazy.compactMap { $0.type.object(named: name) }.first
        case .list(let inner), .map(_, let inner), .wrapper(let inner): inner.object(named: name)
        default: nil
        }
    }
}
