import Encodings
import FoundationEssentials
import Kubernetes
import Policy

/// Everything that there is to say about what was decided for a pod.
struct PodReport {
    let workload: PodWorkload
    let decisions: PodDecisions
    /// Other pods of the namespace that were made with the same init-data.
    let twins: Int
    /// The profiles that are for this pod.
    let profiles: [String]
    /// The objects that may decide about the namespace's resources.
    let policies: [KindListing]
    let now: Date

    /// Whether anything is known that was decided for this pod.
    var isDecided: Bool { decisions.shown.contains { $0.tie != .time } }
    /// Whether what was asked for last was refused.
    var isDenied: Bool { decisions.shown.contains { $0.tie != .time && !$0.isAllowed } }

    /// Sentences about the agent.
    var agentSentences: [String] {
        var sentences = workload.agents.map(\.sentence)
        if sentences.isEmpty {
            let runtime = workload.runtimeClass.map {
                "; an agent inside of the guest (runtime class \($0)) is not visible here"
            }
            sentences.append("no container of the pod is an attestation-agent" + (runtime ?? ""))
            sentences += profiles.map { "\($0) is for this pod, and no agent was put into it" }
        }
        return sentences
    }

    /// Sentences about what can be known.
    var notes: [String] {
        var notes: [String] = []
        if let problem = workload.initDataProblem { notes.append("the pod's init-data counts for nothing: \(problem)") }
        if twins > 0 {
            notes.append(
                "pods of the namespace with the same init-data, which the ledger does not tell apart: \(twins) more")
        }
        if decisions.otherCount > 0 {
            notes.append("decisions that are older, or have a weaker tie to the pod: \(decisions.otherCount) more")
        }
        if decisions.isCut { notes.append("the ledger is too long to be read back to the pod's beginning") }
        if decisions.isPartial {
            notes.append("the token sees this namespace's decisions only: neither others nor refused attestations")
        }
        return notes + policies.compactMap(\.problem)
    }

    /// What the latest decision shown says of a policy: `allows`, `objects` and so on.
    func verdict(on policy: String) -> String {
        guard let trace = decisions.shown.first?.record["trace"], let decision = try? Decision(json: trace),
            let found = decision.trace.first(where: { $0.policy == policy })
        else { return "" }
        guard found.matched else { return "not about it" }
        if found.effect == .guardrail { return found.passed ? "does not object" : "objects" }
        return found.passed ? "allows" : "does not allow"
    }

    func json() -> JSONObject {
        let pod: JSONObject = [
            "namespace": .string(workload.namespace), "name": .string(workload.name),
            "phase": workload.phase.map { .string($0) } ?? .null,
            "createdAt": workload.pod.metadata["creationTimestamp"] ?? .null,
            "runtimeClass": workload.runtimeClass.map { .string($0) } ?? .null,
            "agent": .array(agentSentences.map { .string($0) }),
            "resources": .array(workload.resources.map { .string($0) }),
            "initData": workload.initData.map { .string(Hex.encode($0.digest)) } ?? .null,
        ]
        return [
            "pod": .object(pod), "decisions": .array(decisions.shown.map { .object(json($0)) }),
            "policies": .array(comparable.map { .object(json($0)) }), "notes": .array(notes.map { .string($0) }),
        ]
    }

    /// The policy objects as rows.
    var comparable: [(kind: ResourceKind, object: KubernetesObject)] {
        policies.flatMap { listing in listing.objects.map { (listing.kind, $0) } }
    }

    private func json(_ decision: PodDecision) -> JSONObject {
        var json = decision.record
        // What a guest claims of itself is the explanation's business: claviger explain ID.
        json["claims"] = nil
        json["tie"] = .string(decision.tie.name)
        json["certainty"] = .string(decision.tie.sentence)
        json["remedies"] = .array(DecisionRemedy(record: decision.record).sentences().map { .string($0) })
        return json
    }

    private func json(_ policy: (kind: ResourceKind, object: KubernetesObject)) -> JSONObject {
        let identifier = ComparedPolicy.identifier(policy.kind, policy.object)
        let conditions = ObjectConditions(policy.object)
        return [
            "policy": .string(identifier), "accepted": .string(conditions.status("Accepted")),
            "programmed": .string(conditions.status("Programmed")),
            "reason": conditions.objection(policy.kind.requiredConditions).map { .string($0.reason) } ?? .null,
            "verdict": .string(verdict(on: identifier)),
        ]
    }
}
