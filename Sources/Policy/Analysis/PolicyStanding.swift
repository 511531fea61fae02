public import FoundationEssentials

/// What can be said of a document beside the others of a bundle, for whoever wrote it.
public struct PolicyStanding: Sendable, Hashable {
    /// Identifiers of other policies because of which this one never matters: one that allows all of this under no more
    /// conditions, a guardrail that lets nothing of it through or, for a guardrail, one that asks for as much. Only what can
    /// be proven is here, and no more than ``maximumShadows``.
    public let shadowedBy: [String]
    /// Names of reference values that it asks for, and of which none counts at present.
    public let unresolvedReferences: [String]

    /// The most policies that are named in ``shadowedBy``.
    public static let maximumShadows = 8
}

/// Looks at the documents of one bundle.
public struct PolicyAnalysis {
    /// How many others a policy is compared with: where thousands are about the same, no more than these are looked at.
    private static let maximumComparisons = 16
    /// How many pairs of patterns are compared for one policy: what is beyond is not said to hide anything.
    private static let maximumPatternPairs = 8_192

    private let bundle: PolicyBundle
    private let now: Date
    private let comparisons: [ReleaseComparison]
    private let index: ReleaseIndex

    /// Prepares the comparison of a bundle's policies, as they count at a time.
    public init(_ bundle: PolicyBundle, at now: Date) {
        self.bundle = bundle
        self.now = now
        comparisons = bundle.documents.compactMap(ReleaseComparison.init).filter { $0.release.mode == .enforce }
        index = ReleaseIndex(comparisons.enumerated().map { ($0, $1.release.match.resources) })
    }

    /// What can be said of a document of the bundle.
    public func standing(of document: PolicyDocument) -> PolicyStanding {
        PolicyStanding(shadowedBy: shadows(of: document), unresolvedReferences: unresolved(in: document))
    }

    // MARK: - Others that take its effect

    private func shadows(of document: PolicyDocument) -> [String] {
        guard let policy = ReleaseComparison(document), policy.release.mode == .enforce else { return [] }
        var pairs = 0
        let others = candidates(for: policy).map { comparisons[$0] }.filter { $0.identifier != policy.identifier }
        let compared = others.prefix { other in
            pairs += other.release.match.resources.count * policy.release.match.resources.count
            return pairs <= Self.maximumPatternPairs
        }
        return Array(
            compared.filter { Self.shadows($0, policy) }
                .map(\.identifier).sorted().prefix(PolicyStanding.maximumShadows))
    }

    /// Numbers of the first policies that may cover this one.
    private func candidates(for policy: ReleaseComparison) -> [Int] {
        guard let pattern = policy.release.match.resources.first else { return [] }
        let path = pattern.segments.map { segment in
            // No literal segment of a pattern has an asterisk, so these find wildcards only.
            switch segment {
            case .literal(let text): text
            case .one: "*"
            case .rest: "**"
            }
        }
        let limit = Self.maximumComparisons
        guard path.last == "**", path.count <= 4 else { return index.candidates(for: path, limit: limit) }
        let fixed = Array(path.dropLast())
        let resources = fixed + Array(repeating: "*", count: 3 - fixed.count)
        let found = index.candidates(for: path, limit: limit) + index.candidates(for: resources, limit: limit)
        return Array(Set(found).sorted().prefix(limit))
    }

    private static func shadows(_ other: ReleaseComparison, _ policy: ReleaseComparison) -> Bool {
        guard other.covers(policy) else { return false }
        switch (other.release.effect, policy.release.effect) {
        case (.allow, .allow):
            // What is counted ends some time, and what never allows hides nothing.
            guard !other.hasLimits, !other.neverHolds, other.isNoStricter(than: policy) else { return false }
            // Of two that say the same, the one with the lesser name counts.
            let areEqual = policy.covers(other) && policy.isNoStricter(than: other) && !policy.hasLimits
            return !areEqual || other.identifier < policy.identifier
        case (.guardrail, .allow):
            return other.release.schedule == nil && other.excludes(policy)
        case (.guardrail, .guardrail):
            guard !other.hasLimits, !policy.hasLimits, other.release.schedule == nil, policy.isNoStricter(than: other)
            else { return false }
            let areEqual = policy.covers(other) && other.isNoStricter(than: policy)
            return !areEqual || other.identifier < policy.identifier
        case (.allow, .guardrail): return false
        }
    }

    // MARK: - Reference values

    private func unresolved(in document: PolicyDocument) -> [String] {
        let names: [String] =
            switch document.spec {
            case .release(let spec): spec.referenceNames
            case .appraisal(let spec): spec.referenceNames
            case .referenceValues: []
            }
        return Set(names).filter { name in
            if case .missing = bundle.references.lookup(name, namespace: document.namespace, now: now) { return true }
            return false
        }.sorted()
    }
}

extension ReleasePolicySpec {
    fileprivate var referenceNames: [String] {
        let expressions =
            variables.map(\.expression) + validations.map(\.expression) + validations.compactMap(\.messageExpression)
            + [instance].compactMap(\.self)
        return expressions.flatMap(\.referenceNames) + (require.posture?.referenceNames ?? [])
    }
}

extension AppraisalPolicySpec {
    fileprivate var referenceNames: [String] {
        let conditions = rules.flatMap(\.conditions) + extensions.flatMap(\.fields).map(\.expression)
        return conditions.flatMap(\.referenceNames)
    }
}

extension ReleaseMatch {
    /// What is asked of repository, type and tag of a resource, nil for anything, once for each pattern that can be about a
    /// resource; nothing when the policy is about other things than getting resources.
    public var resourceShapes: [[String?]] {
        guard plugins.contains("resource") || plugins.contains(Self.any) else { return [] }
        return resources.compactMap(\.resourceShape)
    }
}
