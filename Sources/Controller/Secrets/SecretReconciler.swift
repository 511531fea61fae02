import Encodings
import Kubernetes

/// Brings one `BrokeredSecret` to the broker, and tells on it what became of it.
///
/// The finalizer is there before the broker is: whatever the broker has, some object answers for it.
struct SecretReconciler: Sendable {
    static let finalizer = "claviger.dev/brokered-secret"

    struct Timing: Sendable {
        /// After this long the broker is asked again although nothing changed.
        var resync: Duration = .seconds(600)
    }

    let cache: any ObjectCache
    let api: any KubernetesAPI
    let sources: any SourceSecrets
    /// Whether a Secret's changes are noticed when they happen.
    let isWatched: @Sendable (ObjectKey) async -> Bool
    let broker: any BrokerPort
    let statuses: any StatusPort
    let events: any EventPort
    let environment: RuntimeEnvironment
    var timing = Timing()

    /// - Returns: after how long to look again.
    func reconcile(_ key: ObjectKey, _ leadership: Leadership) async throws(ControllerError) -> Duration? {
        guard cache.hasSynced else {
            throw ControllerError(code: "not_synced", message: "Not all secrets were read from the API server yet.")
        }
        guard let object = cache[key] else { return nil }
        if object.deletionTimestamp != nil {
            try await letGo(of: object, key, leadership)
            return nil
        }
        guard let held = try await withFinalizer(object, leadership) else { return nil }
        return try await handOver(held, key, leadership)
    }

    private func handOver(
        _ object: KubernetesObject, _ key: ObjectKey, _ leadership: Leadership
    ) async throws(ControllerError) -> Duration? {
        if let reason = object.unreadable {
            try await show(SecretStatus.unreadable(reason, object), on: object, leadership)
            return nil
        }
        let spec = object.spec ?? [:]
        let reference = SourceReference(spec)
        let source: SourceSecret?
        do throws(ControllerError) {
            source = try await reference.asyncMap { reference throws(ControllerError) in
                try await sources.read(reference.name, key: reference.key, in: key.namespace ?? "")
            }
        } catch {
            guard error.code == "source_missing" else { throw error }
            try await show(SecretStatus.sourceMissing(error, object), on: object, leadership)
            return timing.resync
        }
        let request = SecretRequest(
            key: key, uid: object.uid ?? "", generation: object.generation ?? 0, fence: leadership.fence, spec: spec,
            value: source?.value)
        try leadership.check()
        let answer: SecretAnswer
        do throws(ControllerError) {
            answer = try await broker.put(request)
        } catch {
            if error.code == "refused" { try await show(SecretStatus.refused(error, object), on: object, leadership) }
            throw error
        }
        var isNoticed = true
        if let reference { isNoticed = await isWatched(ObjectKey(namespace: key.namespace, name: reference.name)) }
        try await show(SecretStatus.ready(answer, source, isWatched: isNoticed), on: object, leadership)
        return SecretStatus.nextLook(answer, now: environment.wallTime(), resync: timing.resync)
    }

    private func show(
        _ status: WantedStatus, on object: KubernetesObject, _ leadership: Leadership
    ) async throws(ControllerError) {
        try leadership.check()
        try await statuses.write(status, on: object, of: .brokeredSecrets, under: leadership)
        for transition in StatusTransition.between(object.status, status, of: [SecretStatus.ready]) {
            transition.record(to: events, about: object)
        }
    }

    /// The object with the finalizer; nil when the object is gone.
    private func withFinalizer(
        _ object: KubernetesObject, _ leadership: Leadership
    ) async throws(ControllerError) -> KubernetesObject? {
        if object.finalizers.contains(Self.finalizer) { return object }
        return try await patch(object, finalizers: object.finalizers + [Self.finalizer], leadership)
    }

    /// Undoes what was done outside of the cluster, and then lets the object go. That either is gone already is fine.
    private func letGo(
        of object: KubernetesObject, _ key: ObjectKey, _ leadership: Leadership
    ) async throws(ControllerError) {
        guard object.finalizers.contains(Self.finalizer) else { return }
        try leadership.check()
        try await broker.delete(
            SecretRemoval(
                key: key, uid: object.uid ?? "", fence: leadership.fence,
                deletionPolicy: object.spec?["deletionPolicy"]?.stringValue))
        _ = try await patch(object, finalizers: object.finalizers.filter { $0 != Self.finalizer }, leadership)
    }

    /// Changes the finalizers of the very object that was read; nil when it is gone.
    private func patch(
        _ object: KubernetesObject, finalizers: [String], _ leadership: Leadership
    ) async throws(ControllerError) -> KubernetesObject? {
        // Both are preconditions: other finalizers that came meanwhile are not lost, nor is a namesake touched.
        var metadata: JSONObject = ["finalizers": .array(finalizers.map { .string($0) })]
        metadata["resourceVersion"] = object.resourceVersion.map { .string($0) }
        metadata["uid"] = object.uid.map { .string($0) }
        try leadership.check()
        do throws(KubernetesError) {
            return try await api.mergePatch(
                ["metadata": .object(metadata)], to: .brokeredSecrets, namespace: object.namespace, name: object.name,
                subresource: nil)
        } catch {
            if error.kind == .notFound { return nil }
            throw ControllerError(error)
        }
    }
}

/// The Secret that a spec refers to.
struct SourceReference: Sendable, Hashable {
    let name: String
    let key: String

    init?(_ spec: JSONObject) {
        guard let reference = spec["secretRef"]?.objectValue, let name = reference["name"]?.stringValue,
            let key = reference["key"]?.stringValue
        else { return nil }
        self.name = name
        self.key = key
    }
}

extension Optional where Wrapped: Sendable {
    /// `map` with a function that waits.
    fileprivate func asyncMap<Value, Failure: Error>(
        _ transform: (Wrapped) async throws(Failure) -> Value
    ) async throws(Failure) -> Value? {
        guard let self else { return nil }
        return try await transform(self)
    }
}

extension ControllerError {
    init(_ error: KubernetesError) {
        let code =
            error.isTransient || error.kind == .unauthorized || error.kind == .conflict ? "unavailable" : "refused"
        self.init(code: code, message: "The API server: \(error)")
    }
}
