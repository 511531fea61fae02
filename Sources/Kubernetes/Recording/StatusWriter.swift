public import Encodings

/// Writes the status of objects by server-side apply, and only when it says something new.
public struct StatusWriter: Sendable {
    /// What a write came to.
    public enum Outcome: Sendable, Hashable {
        /// The object says so already; the server was not asked.
        case unchanged
        /// The object as stored.
        case written(KubernetesObject)
    }

    private let api: any KubernetesAPI
    private let resource: APIResource
    private let fieldManager: String
    private let environment: RuntimeEnvironment

    /// Makes a writer for one resource.
    ///
    /// - Parameter fieldManager: the controller's one stable name. Fields that it applied before and does not mention any more
    ///   are removed by the server; those of others stay.
    public init(
        api: any KubernetesAPI, resource: APIResource, fieldManager: String, environment: RuntimeEnvironment = .system
    ) {
        self.api = api
        self.resource = resource
        self.fieldManager = fieldManager
        self.environment = environment
    }

    /// Makes an object say what was found out about it.
    ///
    /// - Parameters:
    ///   - conditions: all conditions of this controller. `lastTransitionTime` stays as it is until the status flips.
    ///   - fields: the other members of the status.
    ///   - object: the state of the object that was looked at: its generation becomes `observedGeneration`.
    ///   - leadership: the term in which it was looked at.
    /// - Throws: `conflict` when the object has changed since or is another one, and when the term is over; look at the object
    ///   again then.
    public func write(
        _ conditions: [Condition], fields: JSONObject = [:], on object: KubernetesObject, under leadership: Leadership
    ) async throws(KubernetesError) -> Outcome {
        let status = status(conditions, fields, of: object)
        guard !AppliedStatus(object, fieldManager: fieldManager).says(status) else { return .unchanged }
        guard leadership.isValid else {
            throw KubernetesError(
                .conflict, reason: "LeadershipLost", message: "Another process may lead by now; nothing was written.")
        }
        var wanted = KubernetesObject(resource, namespace: object.namespace, name: object.name)
        // Identity and version make the server refuse what was found out about an older state.
        wanted.metadata["uid"] = object.metadata["uid"]
        wanted.metadata["resourceVersion"] = object.metadata["resourceVersion"]
        wanted.status = status
        return .written(
            try await api.apply(
                wanted, to: resource, fieldManager: fieldManager, force: true, subresource: "status"))
    }

    private func status(_ conditions: [Condition], _ fields: JSONObject, of object: KubernetesObject) -> JSONObject {
        var status = fields
        status["observedGeneration"] = object.generation.map { .int($0) }
        let former = object.status?["conditions"]?.arrayValue ?? []
        let timestamp = environment.timestamp
        status["conditions"] = .array(
            conditions.map { condition in
                let previous = former.first { $0["type"]?.stringValue == condition.type }?.objectValue
                return .object(
                    condition.json(previous: previous, generation: object.generation, timestamp: timestamp))
            })
        return status
    }
}
