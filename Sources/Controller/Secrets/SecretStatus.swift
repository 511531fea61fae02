import Encodings
import FoundationEssentials
import Kubernetes

/// The status of a `BrokeredSecret`.
enum SecretStatus {
    static let ready = "Ready"
    static let sourceFound = "SourceFound"
    static let policyAttached = "PolicyAttached"
    static let plaintextInCluster = "PlaintextInCluster"

    static func ready(_ answer: SecretAnswer, _ source: SourceSecret?, isWatched: Bool) -> WantedStatus {
        var status = WantedStatus(conditions: [])
        status.fields["uri"] = answer.uri.map { .string($0) }
        status.fields["currentVersion"] = answer.currentVersion.map { .int($0) }
        status.fields["contentMAC"] = answer.contentMAC.map { .string($0) }
        status.fields["rotatedAt"] = answer.rotatedAt.map { .string($0) }
        status.fields["nextRotation"] = answer.nextRotation.map { .string($0) }
        status.conditions = [Condition(ready, .yes, "Stored", "The broker has it.")]
        if let source {
            status.fields["source"] = [
                "kind": "secretRef", "resourceVersion": .string(source.resourceVersion),
            ]
            status.conditions.append(isWatched ? found : foundUnwatched)
            status.conditions.append(plaintext)
        }
        if let isAttached = answer.isPolicyAttached {
            status.conditions.append(
                isAttached
                    ? Condition(policyAttached, .yes, "Attached", "A policy can release it.")
                    : Condition(policyAttached, .no, "NoPolicy", "No policy can ever release it."))
        }
        return status
    }

    static func sourceMissing(_ error: ControllerError, _ object: KubernetesObject) -> WantedStatus {
        var status = kept(object)
        status.conditions = [
            Condition(ready, .no, "SourceMissing", error.message),
            Condition(sourceFound, .no, "SourceMissing", error.message), plaintext,
        ]
        return status
    }

    static func refused(_ error: ControllerError, _ object: KubernetesObject) -> WantedStatus {
        var status = kept(object)
        status.conditions = [Condition(ready, .no, "Refused", error.message)]
        return status
    }

    static func unreadable(_ reason: String, _ object: KubernetesObject) -> WantedStatus {
        var status = kept(object)
        status.conditions = [Condition(ready, .no, "Unreadable", reason)]
        return status
    }

    /// What the broker has from before stays true.
    private static func kept(_ object: KubernetesObject) -> WantedStatus {
        var status = WantedStatus(conditions: [])
        for name in ["uri", "currentVersion", "contentMAC", "rotatedAt", "nextRotation", "source"] {
            status.fields[name] = object.status?[name]
        }
        return status
    }

    private static let found = Condition(sourceFound, .yes, "Found", "The Secret and its key are there.")

    private static let foundUnwatched = Condition(
        sourceFound, .yes, "FoundNotWatched",
        "The Secret and its key are there. More Secrets are referred to than can be watched, so changes of this one are "
            + "noticed only within ten minutes.")

    private static let plaintext = Condition(
        plaintextInCluster, .yes, "SecretRef",
        "The value lies in a Secret of the cluster, readable for its administrators and in its backups. "
            + "Use generate or sealed for what the cluster must not know.")

    /// A little after the next rotation is due, or at the usual time.
    static func nextLook(_ answer: SecretAnswer, now: Date, resync: Duration) -> Duration {
        guard let text = answer.nextRotation, let due = try? Date(text, strategy: .iso8601) else { return resync }
        let seconds = due.timeIntervalSince(now).rounded(.up) + 1
        return min(resync, .seconds(max(1, min(seconds, 86_400))))
    }
}
