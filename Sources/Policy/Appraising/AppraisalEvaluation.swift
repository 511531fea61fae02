import CEL
import Encodings
import FoundationEssentials
import RATS

/// Grades the claims of one submodule with one policy.
struct AppraisalEvaluation {
    private let policy: CompiledAppraisal
    private let input: AppraisalInput
    private let submodule: String
    private let references: ReferenceValueTable
    private let now: Date
    /// The grade of the guest that the device was attested with, when that is not affirming; `nil` for no limit.
    private let guestTier: TrustTier?
    private let annotated: JSONObject
    private let variables: [String: CELValue]
    private let budget = ExpressionBudget()

    init(
        policy: CompiledAppraisal, input: AppraisalInput, submodule: String, references: ReferenceValueTable, now: Date,
        guestTier: TrustTier? = nil
    ) {
        self.policy = policy
        self.input = input
        self.submodule = submodule
        self.references = references
        self.now = now
        self.guestTier = guestTier
        let tee = input.claims.tee
        annotated = annotatedEvidence(
            claims: input.claims.claims, initDataClaims: input.initDataClaims,
            runtimeDataClaims: input.runtimeDataClaims, platformClaims: input.platformClaims, tee: tee)
        // A policy can only ask what an object has, not whether there is a variable.
        var variables: [String: CELValue] = [
            "tee": .string(tee.rawValue), "class": .string(input.claims.deviceClass.rawValue),
            "platform": .map(CELMap()),
        ]
        variables["now"] = CELValue(time: now)
        for (name, value) in annotated {
            variables[name == tee.rawValue ? "claims" : name] = CELValue(value)
        }
        self.variables = variables
    }

    func run() -> (Appraisal, AppraisalTrace) {
        var vector = TrustVector()
        var graded: Set<TrustClaim> = []
        var rules: [AppraisalRuleTrace] = []
        for claim in TrustClaim.allCases { vector[claim] = policy.spec.defaults[claim] ?? 0 }
        var doubts: [TrustClaim: Int8] = [:]
        for rule in policy.spec.rules where rule.tees.contains(input.claims.tee) && !graded.contains(rule.claim) {
            let trace = self.trace(rule)
            rules.append(trace)
            if trace.failed { doubts[rule.claim] = Self.worse(doubts[rule.claim], rule.value) }
            guard trace.holds else { continue }
            vector[rule.claim] = rule.value
            graded.insert(rule.claim)
        }
        // A rule that speaks against the attester and cannot be evaluated might have held.
        for (claim, doubt) in doubts { vector[claim] = Self.worse(vector[claim], doubt) }
        if let trace = cap(&vector) { rules.append(trace) }
        let (extensions, omitted) = self.extensions()
        let appraisal = Appraisal(
            name: submodule, tee: input.claims.tee, deviceClass: input.claims.deviceClass, vector: vector,
            policyID: input.policyID, annotatedEvidence: annotated, extensions: extensions)
        let trace = AppraisalTrace(
            submodule: submodule, policy: policy.identifier, digest: policy.digest, rules: rules, omitted: omitted)
        return (appraisal, trace)
    }

    /// Keeps the grade of the hardware from being better than the verifier can answer for, whatever the policy says.
    private func cap(_ vector: inout TrustVector) -> AppraisalRuleTrace? {
        guard let cap = [input.claims.trustCap, guestTier].compactMap(\.self).max(), cap > .affirming,
            case let tier = vector.tier(of: .hardware), tier < cap
        else { return nil }
        let isGuests = guestTier == cap
        let value: Int8 = cap == .warning ? 32 : 97
        vector[.hardware] = value
        return AppraisalRuleTrace(
            path: "verifier", claim: .hardware, value: value,
            conditions: [
                ConditionTrace(
                    path: "verifier", line: 0, required: "hardware no better than \(cap.rawValue)",
                    measured: [MeasuredValue(name: "hardware", value: tier.rawValue)], outcome: .met, reason: nil,
                    message: isGuests
                        ? "A device is no better than the guest that it was attested with."
                        : "Evidence of kind \(input.claims.tee.rawValue) cannot show more about the hardware.",
                    notes: [])
            ])
    }

    /// The worse of two grades, from affirming over "no claim is made" and warning to contraindicated.
    private static func worse(_ grade: Int8?, _ other: Int8) -> Int8 {
        func badness(_ value: Int8) -> Int {
            switch TrustTier(value: value) {
            case .affirming: 0
            case .none: 1
            case .warning: 2
            case .contraindicated: 3
            }
        }
        guard let grade, badness(grade) >= badness(other) else { return other }
        return grade
    }

    private func evaluate(_ expression: PolicyExpression) -> Result<CELValue, ExpressionFailure> {
        expression.evaluate(
            variables, budget: budget, reference: { references.lookup($0, namespace: nil, now: now) })
    }

    private func trace(_ rule: AppraisalRule) -> AppraisalRuleTrace {
        var conditions: [ConditionTrace] = []
        for (index, expression) in rule.conditions.enumerated() {
            let verdict = ExpressionVerdict(evaluate(expression))
            conditions.append(
                ConditionTrace(
                    path: "\(rule.path).when[\(index)]", line: expression.position.line, required: expression.source,
                    measured: expression.measured(variables), outcome: verdict.outcome, reason: verdict.reason,
                    message: verdict.outcome == .notMet ? "'\(expression.source)' is false." : verdict.message,
                    notes: references.notes(expression.referenceNames, namespace: nil, now: now)))
            if verdict.outcome != .met { break }
        }
        return AppraisalRuleTrace(path: rule.path, claim: rule.claim, value: rule.value, conditions: conditions)
    }

    private func extensions() -> (JSONObject, omitted: [String]) {
        var result = JSONObject()
        var omitted: [String] = []
        for item in policy.spec.extensions {
            var value = JSONValue.object([:])
            for field in item.fields {
                let parents = field.path.dropLast()
                value.makeObjects(parents)
                switch evaluate(field.expression) {
                case .success(let found):
                    guard let json = found.json(), !(field.omitEmpty && json.isEmptyCollection) else { continue }
                    value.set(json, at: field.path[...])
                case .failure(let failure):
                    omitted.append("\(item.name) \(field.path.joined(separator: ".")): \(failure.message)")
                }
            }
            result[item.name] = value
        }
        return (result, omitted)
    }
}

extension JSONValue {
    fileprivate var isEmptyCollection: Bool {
        switch self {
        case .null: true
        case .string(let text): text.isEmpty
        case .array(let items): items.isEmpty
        case .object(let object): object.isEmpty
        default: false
        }
    }

    /// Makes sure that objects lead down the path.
    fileprivate mutating func makeObjects(_ path: ArraySlice<String>) {
        guard let first = path.first else { return }
        var object = objectValue ?? [:]
        var inner = object[first] ?? .object([:])
        if inner.objectValue == nil { inner = .object([:]) }
        inner.makeObjects(path.dropFirst())
        object[first] = inner
        self = .object(object)
    }

    fileprivate mutating func set(_ value: JSONValue, at path: ArraySlice<String>) {
        guard let first = path.first else {
            self = value
            return
        }
        var object = objectValue ?? [:]
        var inner = object[first] ?? .object([:])
        inner.set(value, at: path.dropFirst())
        object[first] = inner
        self = .object(object)
    }
}
