import Policy

/// Translates the rule `allow` of a resource policy: each body becomes a policy that allows.
struct ReleaseTranslation {
    let module: RegoModule
    let name: String
    private(set) var documents: [ImportedDocument] = []
    private(set) var losses: [RegoLoss] = []

    private static let rule = "allow"

    init(_ module: RegoModule, name: String) {
        self.module = module
        self.name = name
        let rules = module.rules(named: Self.rule)
        if let objection = Self.objection(to: rules) {
            losses.append(objection)
            return
        }
        let bodies = rules.filter { !$0.isDefault }.flatMap { rule in rule.branches.map { (rule, $0) } }
        for (rule, branch) in bodies where branch.value != .bool(false) { translate(branch, of: rule) }
        if let rule = rules.first(where: { $0.isDefault && $0.branches.first?.value == .bool(true) }) {
            documents.append(document(ResourceFacts([]), line: rule.line))
        }
        for index in documents.indices where documents.count > 1 { documents[index].name += "-\(index + 1)" }
    }

    /// What makes it unclear when something is allowed, so that nothing is.
    private static func objection(to rules: [RegoRule]) -> RegoLoss? {
        if let rule = rules.first(where: { $0.parameters != nil || $0.isPartial }) {
            return RegoLoss(line: rule.line, message: "'allow' is a function or a set; nothing is allowed.")
        }
        if rules.count(where: \.isDefault) > 1, let rule = rules.first {
            return RegoLoss(line: rule.line, message: "'allow' has several defaults; nothing is allowed.")
        }
        let others = rules.filter { !$0.isDefault }
        if let denying = others.first(where: { $0.branches.first?.value == .bool(false) }) {
            return RegoLoss(
                line: denying.line,
                message: "'allow' is false by a body of its own, which contradicts the others; nothing is allowed. "
                    + "Write the condition as a guardrail.")
        }
        if let other = others.first, rules.contains(where: { $0.isDefault && $0.branches.first?.value != .bool(false) })
        {
            return RegoLoss(
                line: other.line,
                message: "'allow' is true by default, so that its bodies can only deny; nothing is allowed. "
                    + "Write their conditions as guardrails.")
        }
        let branches = others.flatMap(\.branches)
        guard branches.count > 1, let computed = others.first(where: { !$0.branches.allSatisfy(\.isPlainlyTrue) })
        else {
            return nil
        }
        return RegoLoss(
            line: computed.line,
            message: "'allow' has several bodies, one of which gives something else than true and so may deny what the "
                + "others allow; nothing is allowed.")
    }

    private mutating func translate(_ branch: RegoRule.Branch, of rule: RegoRule) {
        let line = branch.body.first?.line ?? rule.line
        var literals = branch.body
        switch branch.value {
        case nil, .bool(true)?: break
        case .string?, .number?, .null?, .list?, .set?, .object?:
            losses.append(
                RegoLoss(line: rule.line, message: "This body gives no boolean, which allows nothing; it was left out.")
            )
            return
        case let value? where value.isTruthValue: literals.append(RegoLiteral(form: .term(value), line: rule.line))
        default:
            losses.append(
                RegoLoss(
                    line: rule.line,
                    message:
                        "This body gives a value that may be no boolean, which would allow nothing; it was left out."))
            return
        }
        do throws(Untranslatable) {
            let lines = try Translator(module, inputs: .release).conditions(of: literals[...])
            if !branch.isPlainlyTrue, lines.contains(where: \.condition.walks) {
                throw Untranslatable(line: line, what: "a value that may be both true and false")
            }
            guard !lines.contains(where: { $0.condition == .constant(false) }) else { return }
            documents.append(document(ResourceFacts(lines), line: line))
        } catch {
            losses.append(
                RegoLoss(
                    line: error.line,
                    message:
                        "The body of 'allow' on line \(rule.line) was left out, because of \(error.what): what only "
                        + "it allowed is denied."))
        }
    }

    private func document(_ facts: ResourceFacts, line: Int) -> ImportedDocument {
        var yaml = YAMLWriter()
        let namespace = facts.namespace
        yaml.comment("From the body of 'allow' on line \(line).")
        yaml.header(namespace == nil ? .clusterReleasePolicy : .releasePolicy, namespace: namespace)
        yaml.line(1, "match:")
        yaml.line(2, "resources: " + YAMLWriter.list(facts.patterns))
        if facts.plugins != ["resource"] { yaml.line(2, "plugins: " + YAMLWriter.list(facts.plugins)) }
        var rest = facts.rest
        if Self.takeAffirmingStatus(&rest) {
            yaml.line(1, "require:")
            yaml.line(2, "status: affirming")
        }
        let conditions = rest.filter { $0.condition != .constant(true) }
        if !conditions.isEmpty { yaml.line(1, "validations:") }
        for condition in conditions {
            yaml.line(2, "# line \(condition.line)")
            yaml.line(2, "- expression: " + YAMLWriter.quoted(condition.condition.text))
        }
        return ImportedDocument(
            kind: namespace == nil ? .clusterReleasePolicy : .releasePolicy, name: name, line: line, yaml: yaml)
    }

    /// That no submodule has another status than affirming, and that there are submodules, is `require.status`.
    private static func takeAffirmingStatus(_ lines: inout [Translator.Line]) -> Bool {
        let texts: Set = [
            "!submods.exists(name, submods[name].status != 'affirming')",
            "submods.all(name, submods[name].status == 'affirming')",
        ]
        func isStatus(_ condition: Condition) -> Bool { texts.contains(condition.text.withKeysCalledName) }
        guard lines.contains(where: { isStatus($0.condition) }) else { return false }
        lines.removeAll { isStatus($0.condition) || Self.sizes.contains($0.condition.text) }
        return true
    }

    /// A decision has at least one appraisal anyway.
    private static let sizes: Set = ["size(submods) > 0", "size(submods) != 0", "size(submods) >= 1"]
}

extension RegoTerm {
    /// Whether it is true or false wherever it is defined.
    fileprivate var isTruthValue: Bool {
        switch self {
        case .binary(let sign, _, _): ["==", "!=", "<", "<=", ">", ">=", "in"].contains(sign)
        case .call(let name, _): ["startswith", "endswith", "contains", "regex.match", "glob.match"].contains(name)
        default: false
        }
    }
}

extension String {
    /// The text of a walk over the submodules, whatever its variable is called.
    fileprivate var withKeysCalledName: String {
        guard let start = firstRange(of: "(")?.upperBound, let end = self[start...].firstRange(of: ",")?.lowerBound
        else {
            return self
        }
        let variable = String(self[start..<end])
        return replacing("(\(variable),", with: "(name,").replacing("[\(variable)]", with: "[name]")
    }
}
