import Kubernetes

/// What was read of one kind of object so far, kept up to date by a watch.
protocol ObjectCache: Sendable {
    /// Whether everything was read once. Before that, an object that is not there may well exist.
    var hasSynced: Bool { get }
    /// Why it has not followed the API server for some time, as part of a sentence; nil while it does.
    var problem: String? { get }
    var objects: [KubernetesObject] { get }
    subscript(_ key: ObjectKey) -> KubernetesObject? { get }
}

/// Writes the status of objects.
protocol StatusPort: Sendable {
    /// Does nothing when the object shows this status already.
    ///
    /// - Parameter object: the state of the object that was looked at.
    /// - Throws: `stale` when the object has changed since: look at it again.
    func write(
        _ status: WantedStatus, on object: KubernetesObject, of resource: APIResource, under leadership: Leadership
    ) async throws(ControllerError)
}

/// Tells people what happened to an object.
protocol EventPort: Sendable {
    func record(
        _ kind: EventRecorder.Kind, reason: String, action: String, note: String, regarding object: KubernetesObject)
}

extension EventRecorder: EventPort {}

extension Leadership {
    /// Called right before each thing that others can see.
    ///
    /// - Throws: ``ControllerError/notLeading``.
    func check() throws(ControllerError) {
        guard isValid, !Task.isCancelled else { throw .notLeading }
    }
}
