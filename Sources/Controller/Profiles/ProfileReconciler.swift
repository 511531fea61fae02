import Encodings
import Kubernetes
import Policy

/// Says on each `AgentProfile` whether it can be used. Nothing goes to the broker: the profile is for pods of the cluster.
struct ProfileReconciler: Sendable {
    static let ready = "Ready"

    let cache: any ObjectCache
    let statuses: any StatusPort
    let events: any EventPort
    /// Counts pods; nil where nobody injects by profiles.
    let census: PodCensus?

    func reconcile(_ key: ObjectKey, _ leadership: Leadership) async throws(ControllerError) -> Duration? {
        guard let object = cache[key], object.deletionTimestamp == nil else { return nil }
        var status = WantedStatus(conditions: [Self.condition(of: object)])
        if let census, let namespace = key.namespace {
            let tally = await census.tally(of: key.name, in: namespace) { usable(in: namespace) }
            if let tally { status.fields = tally.fields }
        }
        try leadership.check()
        try await statuses.write(status, on: object, of: .agentProfiles, under: leadership)
        for transition in StatusTransition.between(object.status, status, of: [Self.ready]) {
            transition.record(to: events, about: object)
        }
        return census == nil ? nil : PodCensus.period
    }

    private func usable(in namespace: String) -> [String: AgentProfileSpec] {
        Dictionary(
            cache.objects.filter { $0.namespace == namespace }.compactMap { object in
                Self.spec(of: object).map { (object.name, $0) }
            },
            uniquingKeysWith: { first, _ in first })
    }

    /// What a profile says; nil where it cannot be read.
    static func spec(of object: KubernetesObject) -> AgentProfileSpec? {
        guard object.unreadable == nil,
            let documents = try? ResourceParser.parse(object.plainDocument, source: "\(object)"),
            case .agentProfile(let spec)? = documents.first?.spec
        else { return nil }
        return spec
    }

    static func condition(of object: KubernetesObject) -> Condition {
        if let reason = object.unreadable { return Condition(ready, .no, "Unreadable", reason) }
        do throws(PolicyError) {
            _ = try ResourceParser.parse(object.plainDocument, source: "\(object)")
            return Condition(ready, .yes, "Valid", "Pods can use it.")
        } catch {
            return Condition(
                ready, .no, "Invalid", error.diagnostics.map { "\($0.path): \($0.message)" }.joined(separator: "\n"))
        }
    }
}

extension KubernetesObject {
    /// The object as a document of its own: what it is called and what it says, and nothing that the API server adds.
    var plainDocument: String {
        var metadata: JSONObject = ["name": .string(name)]
        metadata["namespace"] = namespace.map { .string($0) }
        var document: JSONObject = [
            "apiVersion": .string(apiVersion ?? ""), "kind": .string(kind ?? ""), "metadata": .object(metadata),
        ]
        document["spec"] = spec.map { .object($0) }
        return document.serializedString()
    }
}
