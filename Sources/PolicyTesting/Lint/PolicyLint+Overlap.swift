import Encodings
import Policy

extension PolicyLint {
    /// Policies whose conditions never matter, because another one allows the same with fewer.
    func overlapFindings() -> [PolicyDiagnostic] {
        let policies = all.compactMap(AllowingPolicy.init)
        let names = Set(subjects.map(\.document.identifier))
        return policies.indices.compactMap { index in
            guard names.contains(policies[index].identifier) else { return nil }
            return overlap(of: index, in: policies)
        }
    }

    private func overlap(of index: Int, in policies: [AllowingPolicy]) -> PolicyDiagnostic? {
        let policy = policies[index]
        var lesser: PolicyDiagnostic?
        for (place, other) in policies.enumerated() where place != index {
            guard other.meets(policy), other.isNoStricter(than: policy) else { continue }
            let isStricter = !policy.isNoStricter(than: other)
            if other.covers(policy), policy.hasLimits, !other.hasLimits {
                return policy.document.finding(
                    .warning, "limit_without_effect", at: "spec.limits",
                    "\(other.identifier) allows all of this under no more conditions and counts nothing: whoever "
                        + "would reach these limits is let in by it.",
                    hint: "give the other one limits as well, narrow it, or make these a guardrail")
            }
            if other.covers(policy), isStricter || !policy.covers(other) {
                return policy.document.finding(
                    .warning, "shadowed_policy", at: "spec",
                    "\(other.identifier) allows all of this under no more conditions: those of this policy never matter.",
                    hint: "narrow the other one, or remove this one")
            }
            if other.covers(policy), place < index {
                lesser = policy.document.finding(
                    .warning, "duplicate_policy", at: "spec", "\(other.identifier) says the same.",
                    hint: "remove one of them")
            } else if isStricter, lesser == nil {
                lesser = policy.document.finding(
                    .note, "overlapping_policy", at: "spec.match.resources",
                    "\(other.identifier) allows some of these resources under fewer conditions; there, those of this "
                        + "policy do not matter.")
            }
        }
        return lesser
    }
}

/// A policy that allows, for comparison with others.
private struct AllowingPolicy {
    let document: LintedDocument
    private let match: ReleaseMatch
    private let require: ReleaseRequirements
    private let spec: JSONObject

    /// Nothing for documents that do not allow anything.
    init?(_ document: LintedDocument) {
        guard let release = document.release, release.effect == .allow, !document.isAudit, !document.neverAllows else {
            return nil
        }
        self.document = document
        spec = document.document.content["spec"]?.objectValue ?? [:]
        match = release.match
        require = release.require
    }

    var identifier: String { document.document.identifier }
    var hasLimits: Bool { spec["limits"] != nil }
    private var namespace: String? { document.document.namespace }

    // MARK: - What it is about

    /// Whether every request that `other` is about is one that this policy is about.
    func covers(_ other: AllowingPolicy) -> Bool {
        guard namespace == nil || namespace == other.namespace, Self.includes(match.operations, other.match.operations),
            Self.includes(match.plugins, other.match.plugins)
        else { return false }
        let onlyResources = other.match.plugins == ["resource"]
        return other.match.resources.allSatisfy { pattern in
            match.resources.contains { $0.covers(pattern) || (onlyResources && $0.coversResources(of: pattern)) }
        }
    }

    /// Whether there may be a request that both are about.
    func meets(_ other: AllowingPolicy) -> Bool {
        guard namespace == nil || other.namespace == nil || namespace == other.namespace,
            Self.intersects(match.operations, other.match.operations),
            Self.intersects(match.plugins, other.match.plugins)
        else { return false }
        return match.resources.contains { pattern in other.match.resources.contains { $0.meets(pattern) } }
    }

    private static func includes(_ all: [String], _ some: [String]) -> Bool {
        all.contains("*") || some.allSatisfy(all.contains)
    }

    private static func intersects(_ some: [String], _ others: [String]) -> Bool {
        some.contains("*") || others.contains("*") || some.contains(where: others.contains)
    }

    // MARK: - What it asks for

    /// Whether whoever meets the conditions of `other` meets those of this policy. `false` when it cannot be told.
    func isNoStricter(than other: AllowingPolicy) -> Bool {
        requirementsHold(given: other) && validationsHold(given: other) && restHolds(given: other)
            && (namespace == other.namespace || !asksForFields)
    }

    /// Whether fields that are compared as they stand ask for reference values, which differ between namespaces.
    private var asksForFields: Bool {
        let instance = spec["limits"]?["instance"]?.stringValue.map(ExpressionFacts.init)
        return require.posture?.referenceNames.isEmpty == false || instance?.referenceNames.isEmpty == false
    }

    private func requirementsHold(given other: AllowingPolicy) -> Bool {
        let theirs = other.require
        let tees = require.tees.isEmpty || (!theirs.tees.isEmpty && theirs.tees.allSatisfy(require.tees.contains))
        let trust = require.trust.allSatisfy { claim, tier in
            theirs.trust[claim].map { $0 == tier || $0 == .affirming } ?? false
        }
        let status = require.status.map { tier in theirs.status.map { $0 == tier || $0 == .affirming } ?? false }
        let age = require.maximumEvidenceAge.map { limit in theirs.maximumEvidenceAge.map { $0 <= limit } ?? false }
        let version = require.minimumProtocol.map { oldest in theirs.minimumProtocol.map { $0 >= oldest } ?? false }
        let initData = require.initData.map { mine in
            theirs.initData.map { Self.holds(mine, given: $0) } ?? false
        }
        let known = ["tees", "trust", "status", "maxEvidenceAge", "initData", "minProtocol"]
        let others = membersHold(spec["require"], given: other.spec["require"], but: known)
        return tees && trust && status ?? true && age ?? true && version ?? true && initData ?? true && others
    }

    private static func holds(_ requirement: InitDataRequirement, given other: InitDataRequirement) -> Bool {
        let isThere = other.required || !other.digests.isEmpty
        guard !requirement.digests.isEmpty else { return !requirement.required || isThere }
        return !other.digests.isEmpty && other.digests.allSatisfy(requirement.digests.contains)
    }

    private func validationsHold(given other: AllowingPolicy) -> Bool {
        let theirs = Set(other.validations)
        // The same name stands for other values in another namespace.
        let sameReferences = namespace == other.namespace
        let sameVariables =
            spec["variables"] == other.spec["variables"] && (sameReferences || !variablesAskForReferences)
        return validations.allSatisfy { text in
            let facts = ExpressionFacts(text)
            if facts.constant() == true { return true }
            let usesVariables = facts.usesAnyVariable || !facts.variables.isEmpty
            return theirs.contains(text) && (sameVariables || !usesVariables)
                && (sameReferences || facts.referenceNames.isEmpty)
        }
    }

    private var variablesAskForReferences: Bool {
        document.expressions.contains { path, facts in
            path.hasPrefix("spec.variables[") && !facts.referenceNames.isEmpty
        }
    }

    private var validations: [String] {
        (spec["validations"]?.arrayValue ?? []).compactMap { $0["expression"]?.stringValue }
    }

    /// Fields that this comparison does not know hold when the other policy has the very same.
    private func restHolds(given other: AllowingPolicy) -> Bool {
        membersHold(
            .object(spec), given: .object(other.spec),
            but: ["effect", "match", "require", "variables", "validations", "mode"])
    }

    private func membersHold(_ mine: JSONValue?, given other: JSONValue?, but known: [String]) -> Bool {
        (mine?.objectValue ?? [:]).allSatisfy { known.contains($0.name) || other?[$0.name] == $0.value }
    }
}
