import Encodings
import Kubernetes

/// The conditions of a policy object, made of what the broker said of it.
enum PolicyStatus {
    static let accepted = "Accepted"
    static let compiled = "Compiled"
    static let programmed = "Programmed"
    static let shadowed = "Shadowed"
    static let referencesResolved = "ReferencesResolved"
    static let matchesResources = "MatchesResources"

    /// - Parameters:
    ///   - verdict: nil when the broker said nothing of this document.
    ///   - generation: the broker's generation of policies that has the document.
    static func conditions(
        _ verdict: PolicyVerdict?, generation: Int64, replicas: ReplicaStates
    ) -> [Condition] {
        guard let verdict else {
            let message = "The broker's answer does not speak of this policy; it is asked again."
            return [accepted, compiled, programmed].map { Condition($0, .unknown, "NoAnswer", message) }
        }
        var conditions = [acceptance(verdict), compilation(verdict), programming(verdict, generation, replicas)]
        guard verdict.isAccepted else { return conditions }
        if !verdict.shadowedBy.isEmpty { conditions.append(shadowing(verdict)) }
        conditions.append(references(verdict))
        if let matched = verdict.matchedResources {
            conditions.append(
                matched == 0
                    ? Condition(
                        matchesResources, .no, "NeverMatches",
                        "No resource of now is spoken of by this policy: look for a misspelt name.")
                    : Condition(matchesResources, .yes, "Matches", "Resources spoken of: \(matched)."))
        }
        return conditions
    }

    /// The members of the status besides the conditions.
    static func fields(_ verdict: PolicyVerdict?, generation: Int64, replicas: ReplicaStates) -> JSONObject {
        guard let verdict else { return [:] }
        var fields: JSONObject = [:]
        fields["digest"] = verdict.digest.map { .string($0) }
        guard verdict.isAccepted else { return fields }
        fields["programmed"] = programmed(generation, replicas)
        fields["shadowedBy"] = list(verdict.visibleShadows)
        fields["unresolvedReferences"] = list(verdict.unresolvedReferences)
        fields["matchedResources"] = verdict.matchedResources.map { .int($0) }
        return fields
    }

    /// How many replicas there are, and how many decide by a generation.
    static func programmed(_ generation: Int64, _ replicas: ReplicaStates) -> JSONValue {
        [
            "replicas": .int(Int64(replicas.replicas.count)),
            "ready": .int(Int64(replicas.count(atLeast: generation))),
        ]
    }

    /// A set of names, as many as the schema allows; nil when there are none.
    private static func list(_ names: [String]) -> JSONValue? {
        names.isEmpty ? nil : .array(Set(names).sorted().prefix(32).map { .string($0) })
    }

    private static func acceptance(_ verdict: PolicyVerdict) -> Condition {
        guard !verdict.isAccepted else { return Condition(accepted, .yes, "Accepted", "Read without errors.") }
        let found = verdict.diagnostics.isEmpty ? "The broker refused it." : verdict.diagnostics.joined(separator: "\n")
        return Condition(accepted, .no, reason(verdict.code), found)
    }

    private static func compilation(_ verdict: PolicyVerdict) -> Condition {
        if verdict.isCompiled { return Condition(compiled, .yes, "Compiled", "Its expressions hold together.") }
        return Condition(
            compiled, .no, reason(verdict.code), verdict.diagnostics.first ?? "The broker could not compile it.")
    }

    private static func programming(
        _ verdict: PolicyVerdict, _ generation: Int64, _ replicas: ReplicaStates
    ) -> Condition {
        guard verdict.isAccepted else {
            let former =
                verdict.digest == nil
                ? "No broker decides by it."
                : "An earlier version stays in force until this one is accepted."
            return Condition(programmed, .no, "NotAccepted", former)
        }
        let all = replicas.replicas.count
        let ready = replicas.count(atLeast: generation)
        if replicas.haveAll(generation) {
            return Condition(programmed, .yes, "Programmed", "All living replicas of the broker decide by it.")
        }
        guard all > 0 else {
            return Condition(programmed, .no, "NoReplicas", "No replica of the broker gives a sign of life.")
        }
        if let problem = replicas.replicas.compactMap(\.problem).first {
            return Condition(
                programmed, .no, "ReplicaProblem",
                "\(ready) of \(all) replicas of the broker decide by it; one reports \(problem).")
        }
        return Condition(
            programmed, .no, "Pending", "\(ready) of \(all) replicas of the broker decide by it.")
    }

    private static func shadowing(_ verdict: PolicyVerdict) -> Condition {
        let visible = verdict.visibleShadows
        let message = visible.isEmpty ? "Another policy" : visible.joined(separator: ", ")
        return Condition(
            shadowed, .yes, "Shadowed", "\(message) leaves this policy nothing to say: it changes no decision.")
    }

    private static func references(_ verdict: PolicyVerdict) -> Condition {
        guard !verdict.unresolvedReferences.isEmpty else {
            return Condition(referencesResolved, .yes, "Resolved", "All reference values it names are there.")
        }
        return Condition(
            referencesResolved, .no, "Unresolved",
            "Nobody gives these reference values: \(verdict.unresolvedReferences.joined(separator: ", ")). "
                + "What asks for them is denied.")
    }

    /// The broker's code as Kubernetes writes reasons: `owned_by` becomes `OwnedBy`.
    static func reason(_ code: String?) -> String {
        let words = (code ?? "invalid").split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
        let reason = words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        return reason.first?.isLetter == true ? reason : "Refused"
    }
}

extension PolicyVerdict {
    /// Those of the policies that shadow this one of which its reader may know: names of other tenants' are nothing for him.
    var visibleShadows: [String] {
        shadowedBy.filter { other in
            let parts = other.split(separator: "/", omittingEmptySubsequences: false)
            return parts.count == 3 && (key.namespace == nil || parts[1] == "-" || parts[1] == key.namespace ?? "")
        }
    }
}
