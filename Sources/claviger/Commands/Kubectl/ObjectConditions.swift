import Encodings
import FoundationEssentials
import Kubernetes
import Policy

/// What an object's status says of the object as it is now.
struct ObjectConditions {
    private let conditions: [JSONObject]
    /// Whether the status speaks of an earlier version of the object.
    let isOutdated: Bool

    init(_ object: KubernetesObject) {
        conditions = (object.status?["conditions"]?.arrayValue ?? []).compactMap(\.objectValue)
        let observed = object.status?["observedGeneration"]?.intValue
        isOutdated = observed.map { $0 != object.generation } ?? false
    }

    /// `True`, `False` or `Unknown`; empty when nobody has said anything.
    func status(_ type: String) -> String { self[type]?.cell("status") ?? "" }

    func holds(_ type: String) -> Bool { status(type) == "True" && !isOutdated }

    /// The first of these conditions that does not hold, as a reason and a sentence; nil when all do.
    func objection(_ types: [String]) -> (reason: String, message: String)? {
        guard let type = types.first(where: { !holds($0) }) else { return nil }
        if isOutdated {
            return ("StatusOutdated", "The status speaks of an earlier version of the object.")
        }
        guard let condition = self[type] else {
            return ("NoStatus", "Nothing says whether it is \(type): no controller has looked at it.")
        }
        return (condition.cell("reason"), condition.cell("message"))
    }

    private subscript(_ type: String) -> JSONObject? { conditions.first { $0["type"]?.stringValue == type } }
}

extension ResourceKind {
    /// The conditions that all hold when an object does what it is for.
    var requiredConditions: [String] {
        switch self {
        case .brokeredSecret, .agentProfile: ["Ready"]
        case .policyBundle: ["Accepted", "Programmed"]
        case .releasePolicy, .clusterReleasePolicy, .appraisalPolicy, .referenceValues:
            ["Accepted", "Compiled", "Programmed"]
        }
    }
}

extension KubernetesObject {
    /// `NAMESPACE/NAME`, or the name of what lies in none.
    var shortName: String { (namespace.map { $0 + "/" } ?? "") + name }

    /// When it was made, by the API server's clock.
    var createdAt: Date? { metadata["creationTimestamp"]?.stringValue.flatMap(TimestampText.date) }
}
