import Encodings

/// A release policy, for comparison with others: which requests it is about, and what it asks for. Only what can be told from
/// the text counts; what cannot be told is answered with no.
///
/// A class, so that what is told of an expression is told once, however many others the policy is compared with.
package final class ReleaseComparison {
    /// The document's identifier.
    package let identifier: String
    /// What it says.
    package let release: ReleasePolicySpec
    private let namespace: String?
    private let spec: JSONObject
    private lazy var validations: [(text: String, facts: ExpressionFacts)] = (spec["validations"]?.arrayValue ?? [])
        .compactMap { $0["expression"]?.stringValue }.map { ($0, ExpressionFacts($0)) }
    private lazy var validationTexts = Set(validations.map(\.text))
    /// Whether a condition is false whatever the request is.
    package private(set) lazy var neverHolds = validations.contains { $0.facts.constant() == false }

    /// Nothing for documents of other kinds.
    package init?(_ document: PolicyDocument) {
        guard case .release(let release) = document.spec else { return nil }
        self.release = release
        identifier = document.identifier
        namespace = document.namespace
        spec = document.content["spec"]?.objectValue ?? [:]
    }

    /// Whether releases are counted or need approval.
    package var hasLimits: Bool { spec["limits"] != nil }
    private var match: ReleaseMatch { release.match }
    private var require: ReleaseRequirements { release.require }

    // MARK: - What it is about

    /// Whether every request that `other` is about is one that this policy is about.
    package func covers(_ other: ReleaseComparison) -> Bool {
        guard namespace == nil || namespace == other.namespace, Self.includes(match.operations, other.match.operations),
            Self.includes(match.plugins, other.match.plugins)
        else { return false }
        let onlyResources = other.match.plugins == ["resource"]
        return other.match.resources.allSatisfy { pattern in
            match.resources.contains { $0.covers(pattern) || (onlyResources && $0.coversResources(of: pattern)) }
        }
    }

    /// Whether there may be a request that both are about.
    package func meets(_ other: ReleaseComparison) -> Bool {
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

    /// Whether no request meets the conditions of both: each names the kinds of attester, and they have none in common; or
    /// one has a condition that is never true.
    package func excludes(_ other: ReleaseComparison) -> Bool {
        let theirs = other.require.tees
        let areDisjoint = !require.tees.isEmpty && !theirs.isEmpty && !require.tees.contains(where: theirs.contains)
        return areDisjoint || neverHolds
    }

    /// Whether whoever meets the conditions of `other` meets those of this policy. `false` when it cannot be told.
    package func isNoStricter(than other: ReleaseComparison) -> Bool {
        requirementsHold(given: other) && validationsHold(given: other) && restHolds(given: other)
            && (namespace == other.namespace || !asksForFields)
    }

    /// Whether fields that are compared as they stand ask for reference values, which differ between namespaces.
    private var asksForFields: Bool {
        let instance = spec["limits"]?["instance"]?.stringValue.map(ExpressionFacts.init)
        return require.posture?.referenceNames.isEmpty == false || instance?.referenceNames.isEmpty == false
    }

    private func requirementsHold(given other: ReleaseComparison) -> Bool {
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

    private func validationsHold(given other: ReleaseComparison) -> Bool {
        let theirs = other.validationTexts
        // The same name stands for other values in another namespace.
        let sameReferences = namespace == other.namespace
        let sameVariables =
            spec["variables"] == other.spec["variables"] && (sameReferences || !variablesAskForReferences)
        return validations.allSatisfy { text, facts in
            if facts.constant() == true { return true }
            let usesVariables = facts.usesAnyVariable || !facts.variables.isEmpty
            return theirs.contains(text) && (sameVariables || !usesVariables)
                && (sameReferences || facts.referenceNames.isEmpty)
        }
    }

    private var variablesAskForReferences: Bool {
        release.variables.contains { !$0.expression.referenceNames.isEmpty }
    }

    /// Fields that this comparison does not know hold when the other policy has the very same.
    private func restHolds(given other: ReleaseComparison) -> Bool {
        membersHold(
            .object(spec), given: .object(other.spec),
            but: ["effect", "match", "require", "variables", "validations", "mode"])
    }

    private func membersHold(_ mine: JSONValue?, given other: JSONValue?, but known: [String]) -> Bool {
        (mine?.objectValue ?? [:]).allSatisfy { known.contains($0.name) || other?[$0.name] == $0.value }
    }
}
