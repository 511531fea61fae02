import Encodings
import Kubernetes

/// Why nobody can tell at present what a broker decides by.
struct PolicyDoubt: Sendable, Hashable {
    /// One word in camel case.
    let reason: String
    /// A sentence for whoever wrote the policy.
    let message: String

    /// The kind's objects may have changed unseen.
    static func notFollowed(_ problem: String) -> PolicyDoubt {
        PolicyDoubt(reason: "NotFollowed", message: "This may be behind: \(problem).")
    }

    /// A new leader writes nothing before it has read everything.
    static func notRead(_ plurals: [String]) -> PolicyDoubt {
        PolicyDoubt(
            reason: "NotRead",
            message: "Nothing is sent to the broker, since not everything could be read: "
                + "\(plurals.joined(separator: ", ")). It decides on as before.")
    }

    /// The broker took none of the policies, however good each of them is.
    static func refused(_ error: ControllerError) -> PolicyDoubt {
        PolicyDoubt(
            reason: PolicyStatus.reason(BundleReconciler.code(in: error.message) ?? "refused"),
            message: "The broker refuses the policies of this cluster as a whole and decides on as before. "
                + error.message)
    }

    /// The broker has not answered for long.
    static let unreachable = PolicyDoubt(
        reason: "BrokerUnreachable", message: "The broker has given no usable answer for several minutes.")

    /// The status of a policy while this is so: what is known of the very version stays, but not that anybody decides by it.
    func status(of object: KubernetesObject) -> WantedStatus {
        let unknown = Condition(PolicyStatus.programmed, .unknown, reason, message)
        let present = object.status ?? [:]
        guard let generation = object.generation, present["observedGeneration"]?.intValue == generation else {
            let types = [PolicyStatus.accepted, PolicyStatus.compiled]
            return WantedStatus(conditions: types.map { Condition($0, .unknown, reason, message) } + [unknown])
        }
        let others = (present["conditions"]?.arrayValue ?? []).compactMap(Condition.init(stored:))
        var status = WantedStatus(conditions: others.filter { $0.type != PolicyStatus.programmed } + [unknown])
        for name in ["digest", "shadowedBy", "unresolvedReferences", "matchedResources"] {
            status.fields[name] = present[name]
        }
        return status
    }
}

extension WantedStatus {
    /// The same, but nobody knows whether anybody decides by it.
    func doubted(_ doubt: PolicyDoubt?) -> WantedStatus {
        guard let doubt else { return self }
        var status = self
        status.conditions = conditions.map { condition in
            condition.type == PolicyStatus.programmed
                ? Condition(condition.type, .unknown, doubt.reason, doubt.message) : condition
        }
        return status
    }
}

extension Condition {
    /// A condition as an object shows it; nil when it makes no sense.
    fileprivate init?(stored: JSONValue) {
        guard let type = stored["type"]?.stringValue, let reason = stored["reason"]?.stringValue,
            let status = stored["status"]?.stringValue.flatMap(Status.init(rawValue:))
        else { return nil }
        self.init(type, status, reason, stored["message"]?.stringValue ?? "")
    }
}
