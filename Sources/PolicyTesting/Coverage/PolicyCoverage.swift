import Encodings
public import Policy

/// Which conditions of which policies were seen true, and which were seen not to be.
public struct PolicyCoverage: Sendable {
    /// One policy document with its conditions.
    public struct Document: Sendable {
        /// The document's identifier.
        public let identifier: String
        /// Where its text came from.
        public let source: String
        /// Its conditions, in the order of the text.
        public internal(set) var conditions: [CoveredCondition]

        /// How many ways its conditions can come out.
        public var outcomes: Int { conditions.reduce(0) { $0 + $1.outcomes } }
        /// How many of them were seen.
        public var seenOutcomes: Int { conditions.reduce(0) { $0 + $1.seenOutcomes } }
    }

    private struct Key: Hashable {
        let identifier: String
        let digest: String
    }

    private var order: [Key] = []
    private var byKey: [Key: Document] = [:]

    /// Nothing seen of these documents yet.
    public init(_ documents: [PolicyDocument] = []) {
        for document in documents {
            let key = Key(identifier: document.identifier, digest: document.digest)
            let conditions = document.conditions
            guard !conditions.isEmpty, byKey[key] == nil else { continue }
            order.append(key)
            byKey[key] = Document(identifier: document.identifier, source: document.source, conditions: conditions)
        }
    }

    /// The documents that have conditions, in the order in which they were first named.
    public var documents: [Document] { order.compactMap { byKey[$0] } }

    /// How many of all ways that conditions can come out were seen, in percent, rounded down; 100 of nothing.
    public var percent: Int {
        let outcomes = documents.reduce(0) { $0 + $1.outcomes }
        return outcomes == 0 ? 100 : documents.reduce(0) { $0 + $1.seenOutcomes } * 100 / outcomes
    }

    /// Adds what other tests made of the same or of other documents.
    public mutating func add(_ other: PolicyCoverage) {
        for key in other.order {
            guard let document = other.byKey[key] else { continue }
            guard var own = byKey[key] else {
                order.append(key)
                byKey[key] = document
                continue
            }
            for (index, condition) in document.conditions.enumerated() where own.conditions.indices.contains(index) {
                own.conditions[index].met += condition.met
                own.conditions[index].notMet += condition.notMet
                own.conditions[index].failed += condition.failed
            }
            byKey[key] = own
        }
    }

    /// Notes what a decision looked at.
    mutating func note(_ traces: [PolicyTrace]) {
        for trace in traces where trace.matched {
            let key = Key(identifier: trace.policy, digest: trace.digest)
            for condition in trace.conditions { note(condition.outcome, at: condition.path, key) }
            if trace.conditions.isEmpty { note(.met, at: "spec", key) }
        }
    }

    /// Notes what an appraisal looked at.
    mutating func note(_ traces: [AppraisalTrace]) {
        for trace in traces {
            let key = Key(identifier: trace.policy, digest: trace.digest)
            for rule in trace.rules {
                for condition in rule.conditions { note(condition.outcome, at: condition.path, key) }
                if rule.conditions.isEmpty { note(.met, at: rule.path, key) }
            }
        }
    }

    private mutating func note(_ outcome: ConditionTrace.Outcome, at path: String, _ key: Key) {
        guard let index = byKey[key]?.conditions.index(of: path) else { return }
        switch outcome {
        case .met: byKey[key]?.conditions[index].met += 1
        case .notMet: byKey[key]?.conditions[index].notMet += 1
        case .error: byKey[key]?.conditions[index].failed += 1
        }
    }
}

extension [CoveredCondition] {
    /// The condition at a path, or the nearest one around it: a requirement may be judged part by part.
    fileprivate func index(of path: String) -> Int? {
        if let exact = firstIndex(where: { $0.path == path }) { return exact }
        return indices.filter { path.hasPrefix(self[$0].path + ".") || path.hasPrefix(self[$0].path + "[") }
            .max { self[$0].path.count < self[$1].path.count }
    }
}
