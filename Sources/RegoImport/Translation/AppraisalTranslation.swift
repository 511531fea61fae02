import Policy
import RATS

/// Translates an attestation policy: its rules for trust claims become those of an `AppraisalPolicy`.
struct AppraisalTranslation {
    /// A grade under conditions.
    struct Rule: Hashable {
        let line: Int
        var tees: [TEE]
        let claim: TrustClaim
        let value: Int8
        let conditions: [String]
    }

    let module: RegoModule
    let deviceClass: DeviceClass
    private(set) var document: ImportedDocument?
    private(set) var losses: [RegoLoss] = []
    private var defaults: [TrustClaim: Int8] = [:]
    private var rules: [Rule] = []

    /// What a TEE is called that no rule speaks of: its claims are all undefined.
    private static let anyOther: TEE? = nil

    init(_ module: RegoModule, deviceClass: DeviceClass, name: String) {
        self.module = module
        self.deviceClass = deviceClass
        guard let variables = Self.variables(module) else {
            losses.append(
                RegoLoss(line: 1, message: "'trust_claims' is not an object of claims and names; nothing was imported.")
            )
            return
        }
        for claim in TrustClaim.allCases {
            guard let source = variables[claim] else { continue }
            guard read(claim, source) else { return }
        }
        document = checkedDocument(name: name)
        noteLostExtensions()
    }

    /// The document, without the rules that are refused when it is read: claims that are not known, for instance.
    private mutating func checkedDocument(name: String) -> ImportedDocument {
        while true {
            let document = makeDocument(name: name)
            do throws(PolicyError) {
                _ = try PolicyParser.parse(document.text, source: name)
                return document
            } catch {
                let refused = error.diagnostics.compactMap { diagnostic in
                    diagnostic.ruleIndex.map { (index: $0, message: diagnostic.message) }
                }
                guard let first = refused.first, rules.indices.contains(first.index) else { return document }
                leaveOut(rules[first.index], first.message)
            }
        }
    }

    private mutating func leaveOut(_ rule: Rule, _ message: String) {
        guard TrustTier(value: rule.value) == .affirming else {
            giveUp(rule.claim, rule.line, "a condition that is refused (\(message))", worst: rule.value)
            return
        }
        rules.removeAll { $0 == rule }
        losses.append(
            RegoLoss(
                line: rule.line,
                message: "The grade \(rule.value) of '\(rule.claim.rawValue)' was left out: \(message)"))
    }

    /// Which rule or number gives each trust claim.
    private static func variables(_ module: RegoModule) -> [TrustClaim: RegoTerm]? {
        let rules = module.rules(named: "trust_claims")
        guard let rule = rules.first else {
            // Before there was `trust_claims`, the rules were read under the names of the claims.
            return Dictionary(
                uniqueKeysWithValues: TrustClaim.allCases.map {
                    ($0, .path($0.rawValue.map { $0 == "-" ? "_" : String($0) }.joined(), []))
                })
        }
        guard rules.count == 1, rule.branches.count == 1, rule.branches[0].body.isEmpty,
            case .object(let members)? = rule.branches[0].value
        else { return nil }
        var result: [TrustClaim: RegoTerm] = [:]
        for member in members {
            guard case .string(let name) = member.key, let claim = TrustClaim(rawValue: name), result[claim] == nil
            else {
                return nil
            }
            result[claim] = member.value
        }
        return result
    }

    /// Whether the claim could be read well enough for the whole to make sense.
    private mutating func read(_ claim: TrustClaim, _ source: RegoTerm) -> Bool {
        if let value = source.grade {
            defaults[claim] = value
            return true
        }
        guard case .path(let name, []) = source else {
            losses.append(
                RegoLoss(line: 1, message: "The grade of '\(claim.rawValue)' is computed; nothing was imported."))
            return false
        }
        let rules = module.rules(named: name)
        let fallbacks = rules.filter(\.isDefault)
        guard fallbacks.count == 1, let fallback = fallbacks[0].branches.first?.value?.grade else {
            guard let first = rules.first else {
                guard let vector = module.rules(named: "trust_claims").first else { return true }
                losses.append(
                    RegoLoss(
                        line: vector.line,
                        message: "'trust_claims' names '\(name)', which is no rule, so that nothing is graded at all; "
                            + "nothing was imported."))
                return false
            }
            if rules.count == 1, first.parameters == nil, first.branches.count == 1, first.branches[0].body.isEmpty,
                let value = first.branches[0].value?.grade
            {
                defaults[claim] = value
                return true
            }
            losses.append(
                RegoLoss(
                    line: first.line,
                    message: "'\(name)' has no default that is a number, so that without it nothing is graded at all; "
                        + "nothing was imported."))
            return false
        }
        defaults[claim] = fallback
        readRules(rules.filter { !$0.isDefault }, claim)
        return true
    }

    private mutating func readRules(_ sources: [RegoRule], _ claim: TrustClaim) {
        var found: [Rule] = []
        var against: [(loss: Untranslatable, value: Int8)] = []
        for source in sources {
            // What comes after a branch that was left out may not be given when that one would have been.
            var lost: Int8?
            for branch in source.branches {
                let line = branch.body.first?.line ?? source.line
                let value = source.parameters == nil ? branch.value?.grade : nil
                do throws(Untranslatable) {
                    guard let value else {
                        throw Untranslatable(line: line, what: "a grade that is no number of 8 bits")
                    }
                    if let lost, lost != value, TrustTier(value: value) == .affirming {
                        throw Untranslatable(line: line, what: "the branch before it, which was left out")
                    }
                    found += try translate(branch.body, line, claim, value)
                } catch {
                    guard let value, TrustTier(value: value) == .affirming else {
                        against.append((error, value ?? .max))
                        continue
                    }
                    lost = lost ?? value
                    losses.append(
                        RegoLoss(
                            line: error.line,
                            message:
                                "The grade \(value) of '\(claim.rawValue)' on line \(line) was left out, because of "
                                + "\(error.what): it is never given."))
                }
            }
        }
        // Where two grades hold Rego fails; here the first counts, so the worst comes first.
        let isChain = sources.count == 1
        rules += isChain ? found : found.worstFirst
        for (loss, value) in against { giveUp(claim, loss.line, loss.what, worst: value) }
    }

    /// A grade against the attester that cannot be translated takes all grades of its claim with it that are no worse.
    private mutating func giveUp(_ claim: TrustClaim, _ line: Int, _ what: String, worst: Int8) {
        func isWorse(_ value: Int8, than other: Int8) -> Bool {
            (Rule.badness(value), value) > (Rule.badness(other), other)
        }
        rules.removeAll { $0.claim == claim && !isWorse($0.value, than: worst) }
        if isWorse(worst, than: defaults[claim] ?? 0) { defaults[claim] = worst }
        losses.append(
            RegoLoss(
                line: line,
                message:
                    "The grades of '\(claim.rawValue)' that are no worse were left out, because of \(what) in one that "
                    + "speaks against the attester: without a worse one it is always \(defaults[claim] ?? 0)."))
    }

    /// The rule for each TEE that its body speaks of, and for all others when it holds for them as well.
    private func translate(
        _ body: [RegoLiteral], _ line: Int, _ claim: TrustClaim, _ value: Int8
    ) throws(Untranslatable) -> [Rule] {
        let named = module.mentionedTEEs
        var rules: [Rule] = []
        for tee in named.map(Optional.some) + [Self.anyOther] {
            let conditions = try Translator(module, inputs: .appraisal(tee)).conditions(of: body[...])
            let whole = Condition.all(conditions.map(\.condition))
            guard whole != .constant(false) else { continue }
            let others = TEE.allCases.filter { !named.contains($0) }
            let texts = whole.conjuncts.map(\.text)
            if let index = rules.firstIndex(where: { $0.conditions == texts }) {
                rules[index].tees += tee.map { [$0] } ?? others
            } else {
                rules.append(
                    Rule(line: line, tees: tee.map { [$0] } ?? others, claim: claim, value: value, conditions: texts))
            }
        }
        return rules
    }

    // MARK: - The document

    private func makeDocument(name: String) -> ImportedDocument {
        var yaml = YAMLWriter()
        yaml.comment("From a Rego attestation policy.")
        yaml.header(.appraisalPolicy, namespace: nil)
        yaml.line(1, "class: \(deviceClass.rawValue)")
        let grades = TrustClaim.allCases.compactMap { claim in
            defaults[claim].flatMap { $0 == 0 ? nil : "\(claim.rawValue): \($0)" }
        }
        yaml.line(1, "defaults: {\(grades.joined(separator: ", "))}")
        yaml.line(1, rules.isEmpty ? "rules: []" : "rules:")
        for rule in rules {
            let tees = rule.tees.map(\.rawValue)
            yaml.line(2, "# line \(rule.line)")
            yaml.line(2, tees.count == 1 ? "- tee: \(tees[0])" : "- tees: \(YAMLWriter.list(tees))")
            yaml.line(3, "claim: \(rule.claim.rawValue)")
            yaml.line(3, "value: \(rule.value)")
            yaml.line(3, rule.conditions.isEmpty ? "when: []" : "when:")
            for condition in rule.conditions { yaml.line(4, "- " + YAMLWriter.quoted(condition)) }
        }
        if extensionNames == Self.identifiers { yaml.identifiersExtension() }
        return ImportedDocument(kind: .appraisalPolicy, name: name, line: 1, yaml: yaml)
    }

    /// The extension of Trustee's own policy, which is known here; others are not carried over.
    private static let identifiers = ["ear.trustee.identifiers"]

    private var extensionNames: [String] {
        module.rules(named: "extensions").flatMap(\.branches).compactMap(\.value).flatMap(\.extensionNames)
    }

    private mutating func noteLostExtensions() {
        guard let rule = module.rules(named: "extensions").first, extensionNames != Self.identifiers else { return }
        losses.append(
            RegoLoss(line: rule.line, message: "The extensions of the appraisal were left out; they change no grade."))
    }
}

extension AppraisalTranslation.Rule {
    var badness: Int { Self.badness(value) }

    static func badness(_ value: Int8) -> Int {
        switch TrustTier(value: value) {
        case .affirming: 0
        case .none: 1
        case .warning: 2
        case .contraindicated: 3
        }
    }
}

extension [AppraisalTranslation.Rule] {
    /// Those that speak against the attester first, else in the order of the text.
    fileprivate var worstFirst: [AppraisalTranslation.Rule] {
        enumerated().sorted { ($0.element.badness, -$0.offset) > ($1.element.badness, -$1.offset) }.map(\.element)
    }
}

extension PolicyDiagnostic {
    /// The rule of an appraisal policy that it is about.
    fileprivate var ruleIndex: Int? {
        guard path.hasPrefix("spec.rules[") else { return nil }
        return Int(path.dropFirst("spec.rules[".count).prefix { $0 != "]" })
    }
}

extension RegoTerm {
    /// A number as it may stand in a trust vector.
    fileprivate var grade: Int8? {
        if case .number(let text) = self { return Int8(text) }
        return nil
    }

    /// The names of a list of `{"name": …, "key": …, "value": …}`.
    fileprivate var extensionNames: [String] {
        guard case .list(let items) = self else { return [] }
        return items.compactMap { item in
            guard case .object(let members) = item,
                case .string(let name)? = members.first(where: { $0.key == .string("name") })?.value
            else { return nil }
            return name
        }
    }
}

extension RegoModule {
    /// The kinds of attesters whose claims are looked at anywhere, in the order of the text.
    fileprivate var mentionedTEEs: [TEE] {
        var found: [TEE] = []
        func visit(_ term: RegoTerm) {
            if case .path(_, let steps) = term {
                for case .string(let name) in steps {
                    guard let tee = TEE(wireName: name), !found.contains(tee) else { continue }
                    found.append(tee)
                }
            }
            term.parts.forEach(visit)
        }
        func visit(_ literals: [RegoLiteral]) {
            for literal in literals {
                switch literal.form {
                case .term(let term), .not(let term), .some(_, _, let term): visit(term)
                case .assign(let left, let right, _):
                    visit(left)
                    visit(right)
                case .every(_, _, let domain, let body):
                    visit(domain)
                    visit(body)
                case .declare, .unsupported: break
                }
            }
        }
        for branch in rules.flatMap(\.branches) {
            visit(branch.body)
            if let value = branch.value { visit(value) }
        }
        return found
    }
}
