import CEL
import Encodings
import RATS

/// Reads the spec of a `ReleasePolicy` or `ClusterReleasePolicy`.
struct ReleasePolicyReader {
    static let operations = ["get"]
    private let header: DocumentHeader

    init(_ header: DocumentHeader) {
        self.header = header
    }

    func read() -> ReleasePolicySpec? {
        let fields = ["effect", "mode", "match", "schedule", "require", "limits", "variables", "validations"]
        guard let spec = ObjectReader(header.spec, fields: fields) else { return nil }
        let effect = readEffect(spec["effect"])
        let mode = spec["mode"]?.word(PolicyMode.self) ?? .enforce
        let match = spec.required("match").flatMap { readMatch($0, effect) }
        let schedule = spec["schedule"].flatMap { ScheduleReader($0).read() }
        let require = spec["require"].map { RequirementsReader($0).read() } ?? ReleaseRequirements()
        let limited = spec["limits"].flatMap { LimitsReader($0, tees: require.tees).read() }
        let variables = readVariables(spec["variables"], tees: require.tees)
        let scope = expressionScope(require.tees, variables)
        let validations = readValidations(spec["validations"], scope: scope)
        guard let match else { return nil }
        if effect == .guardrail, ["validations", "require", "schedule", "limits"].allSatisfy({ spec[$0] == nil }) {
            header.spec.report(
                "missing_field",
                "A guardrail needs 'require', 'validations', 'schedule' or 'limits'; without any it limits nothing.")
        }
        return ReleasePolicySpec(
            effect: effect, mode: mode, match: match, schedule: schedule, require: require, limits: limited?.limits,
            instance: limited?.instance, variables: variables, validations: validations)
    }

    private func readEffect(_ field: Field?) -> ReleaseEffect {
        guard let field, let effect = field.word(ReleaseEffect.self) else { return .allow }
        if effect == .guardrail, header.kind != .clusterReleasePolicy {
            field.report(
                "invalid_value", "Only a ClusterReleasePolicy can be a Guardrail.",
                hint: "in a namespace, add the condition to the policies that allow")
        }
        return effect
    }

    /// What is not named is the usual thing for a policy that allows, and everything for one that limits.
    private func readMatch(_ field: Field, _ effect: ReleaseEffect) -> ReleaseMatch? {
        guard let match = ObjectReader(field, fields: ["resources", "operations", "plugins"]) else { return nil }
        let everything = effect == .guardrail ? [ReleaseMatch.any] : nil
        let plugins = match["plugins"].map(readPlugins) ?? everything ?? ["resource"]
        let operations = match["operations"].map(readOperations) ?? everything ?? ["get"]
        guard let items = match.required("resources")?.items(maximum: 256) else { return nil }
        let resources = items.compactMap { readPattern($0, plugins: plugins) }
        return ReleaseMatch(resources: resources, operations: operations, plugins: plugins)
    }

    private func readPattern(_ field: Field, plugins: [String]) -> ResourcePattern? {
        guard let text = field.text(maximum: 1024) else { return nil }
        let pattern: ResourcePattern
        do {
            pattern = try ResourcePattern(text)
        } catch {
            field.report("invalid_pattern", error.message, hint: error.hint)
            return nil
        }
        if let namespace = header.namespace, header.kind == .releasePolicy, !pattern.staysWithin(namespace) {
            field.report(
                "foreign_resource",
                "A policy of the namespace '\(namespace)' reaches only resources of '\(namespace)'.",
                hint: "begin with '\(namespace)/', or use a ClusterReleasePolicy")
            return nil
        }
        // A guardrail that matches nothing limits nothing, and nobody would notice.
        if plugins.contains("resource") || plugins.contains(ReleaseMatch.any), !canMatchResource(pattern) {
            field.report(
                "invalid_pattern", "'\(text)' can match no resource: resources have three segments.",
                hint: plugins == ["resource"] || header.kind == .releasePolicy
                    ? "write repository/type/tag, with '*' for any segment or '**' at the end"
                    : "write repository/type/tag, with '*' for any segment or '**' at the end; "
                        + "for paths of another plugin, name it alone in match.plugins")
            return nil
        }
        return pattern
    }

    private func canMatchResource(_ pattern: ResourcePattern) -> Bool {
        let literals = pattern.segments.compactMap { segment -> String? in
            if case .literal(let text) = segment { return text }
            return nil
        }
        guard literals.allSatisfy({ $0.first != "." }) else { return false }
        return pattern.segments.count == 3 || (pattern.segments.count <= 4 && pattern.segments.last == .rest)
    }

    private func readOperations(_ field: Field) -> [String] {
        (field.items(maximum: 16) ?? []).compactMap { item in
            guard let text = item.text() else { return nil }
            if Self.operations.contains(text) || text == ReleaseMatch.any { return text }
            item.report(
                "invalid_value", "There is no operation '\(text)'.",
                hint: "known here: \(Self.operations.joined(separator: ", ")), and '*' for any")
            return nil
        }
    }

    private func readPlugins(_ field: Field) -> [String] {
        (field.items(maximum: 16) ?? []).compactMap { item in
            guard let text = item.text(maximum: 63) else { return nil }
            if header.kind == .releasePolicy, text != "resource" {
                item.report(
                    "foreign_resource", "Only resources belong to a namespace; the plugin '\(text)' does not.",
                    hint: "use a ClusterReleasePolicy")
                return nil
            }
            if text == ReleaseMatch.any { return text }
            guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "*") }) else {
                item.report("invalid_value", "'\(text)' cannot be the name of a plugin.")
                return nil
            }
            return text
        }
    }

    private func readVariables(_ field: Field?, tees: [TEE]) -> [PolicyVariable] {
        var variables: [PolicyVariable] = []
        for item in field?.items(maximum: 64) ?? [] {
            guard let object = ObjectReader(item, fields: ["name", "expression"]) else { continue }
            let scope = expressionScope(tees, variables)
            let expression = object.required("expression").flatMap { PolicyExpression.read($0, scope: scope) }
            guard let nameField = object.required("name"), let name = nameField.text(maximum: 63) else { continue }
            guard isIdentifier(name) else {
                nameField.report(
                    "invalid_value", "'\(name)' cannot be the name of a variable.",
                    hint: "use letters, digits and '_', beginning with a letter")
                continue
            }
            guard !variables.contains(where: { $0.name == name }) else {
                nameField.report("duplicate_name", "The variable '\(name)' is declared twice.")
                continue
            }
            if let expression { variables.append(PolicyVariable(name: name, expression: expression)) }
        }
        return variables
    }

    private func isIdentifier(_ text: String) -> Bool {
        guard let first = text.utf8.first, first > 0x40 || first == 0x5F else { return false }
        return text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x5F
        }
    }

    private func expressionScope(_ tees: [TEE], _ variables: [PolicyVariable]) -> ExpressionScope {
        let types = variables.map { ($0.name, $0.expression.resultType) }
        return .release(tees: tees, variables: Dictionary(types, uniquingKeysWith: { first, _ in first }))
    }

    private func readValidations(_ field: Field?, scope: ExpressionScope) -> [PolicyValidation] {
        (field?.items(maximum: 64) ?? []).compactMap { item in
            let fields = ["expression", "message", "messageExpression", "reason"]
            guard let object = ObjectReader(item, fields: fields) else { return nil }
            let message = object["message"].flatMap { $0.text(maximum: 1024) }
            let messageExpression = object["messageExpression"].flatMap {
                PolicyExpression.read($0, scope: scope, yields: .string)
            }
            let reason = object["reason"].flatMap(readReason)
            guard
                let expression = object.required("expression").flatMap({
                    PolicyExpression.read($0, scope: scope, yields: .bool)
                })
            else { return nil }
            return PolicyValidation(
                expression: expression, message: message, messageExpression: messageExpression, reason: reason,
                path: item.path)
        }
    }

    private func readReason(_ field: Field) -> String? {
        guard let text = field.text(maximum: 63) else { return nil }
        guard isIdentifier(text) else {
            field.report(
                "invalid_value", "A reason is one word of letters, digits and '_'.", hint: "such as DebugGuest")
            return nil
        }
        return text
    }
}
