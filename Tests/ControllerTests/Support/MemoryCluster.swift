import Encodings
import Synchronization

@testable import Kubernetes

/// An API server in memory, as far as the controller needs one: versions, generations, finalizers, status, watches.
final class MemoryCluster: KubernetesAPI {
    struct Request: Sendable, Hashable {
        let verb: String
        let resource: String
        let key: ObjectKey
        let fieldSelector: String?
        let metadataOnly: Bool
    }

    private struct Stored: Hashable {
        let resource: APIResource
        let key: ObjectKey
    }

    private struct Watcher {
        let resource: APIResource
        let namespace: String?
        let name: String?
        let continuation: AsyncThrowingStream<WatchEvent, any Error>.Continuation
        var isStalled = false
    }

    private struct State {
        var version: Int64 = 1
        var uids: Int64 = 0
        var objects: [Stored: KubernetesObject] = [:]
        var log: [(version: Int64, resource: APIResource, event: WatchEvent)] = []
        var watchers: [Int: Watcher] = [:]
        var nextWatcher = 0
        var requests: [Request] = []
        var isGone = false
        var missing: Set<APIResource> = []
        var gate: (@Sendable (Request) -> KubernetesError?)?
    }

    private let state = Mutex(State())

    // MARK: What tests do

    /// As `kubectl apply` by somebody: creates or changes the spec.
    @discardableResult
    func put(_ resource: APIResource, _ namespace: String?, _ name: String, spec: JSONObject) -> KubernetesObject {
        state.withLock { state in
            let id = Stored(resource: resource, key: ObjectKey(namespace: namespace, name: name))
            var object = state.objects[id] ?? KubernetesObject(resource, namespace: namespace, name: name)
            object.spec = spec
            object.unreadable = nil
            return store(object, id, &state)
        }
    }

    /// Makes an object one that the client cannot read as a whole, as one that is nested too deep.
    func spoil(_ resource: APIResource, _ namespace: String?, _ name: String) {
        state.withLock { state in
            let id = Stored(resource: resource, key: ObjectKey(namespace: namespace, name: name))
            guard var object = state.objects[id] else { return }
            object.spec = nil
            object.unreadable = "It is nested more than 128 levels deep."
            _ = store(object, id, &state)
        }
    }

    /// A Secret with one key.
    func putSecret(_ namespace: String, _ name: String, _ data: JSONObject) {
        state.withLock { state in
            let id = Stored(resource: .secrets, key: ObjectKey(namespace: namespace, name: name))
            var object = state.objects[id] ?? KubernetesObject(.secrets, namespace: namespace, name: name)
            object.json["data"] = .object(data)
            _ = store(object, id, &state)
        }
    }

    /// As `kubectl delete` by somebody.
    func remove(_ resource: APIResource, _ namespace: String?, _ name: String) {
        state.withLock { state in
            let id = Stored(resource: resource, key: ObjectKey(namespace: namespace, name: name))
            guard var object = state.objects[id] else { return }
            if object.finalizers.isEmpty {
                drop(id, &state)
            } else {
                object.metadata["deletionTimestamp"] = "2026-01-01T00:00:00Z"
                _ = store(object, id, &state)
            }
        }
    }

    func object(_ resource: APIResource, _ namespace: String?, _ name: String) -> KubernetesObject? {
        state.withLock { $0.objects[Stored(resource: resource, key: ObjectKey(namespace: namespace, name: name))] }
    }

    func objects(_ resource: APIResource) -> [KubernetesObject] {
        state.withLock { state in state.objects.filter { $0.key.resource == resource }.map(\.value) }
    }

    var requests: [Request] { state.withLock(\.requests) }
    func forgetRequests() { state.withLock { $0.requests = [] } }

    /// Cuts everybody off until it is set back.
    var isGone: Bool {
        get { state.withLock(\.isGone) }
        set {
            let cut = state.withLock { state in
                state.isGone = newValue
                guard newValue else { return [Watcher]() }
                defer { state.watchers = [:] }
                return Array(state.watchers.values)
            }
            for watcher in cut { watcher.continuation.finish(throwing: Self.unreachable) }
        }
    }

    /// Kinds that have no definition.
    func hide(_ resources: Set<APIResource>) { state.withLock { $0.missing = resources } }

    /// Refuses requests as a test likes.
    func refuse(_ gate: (@Sendable (Request) -> KubernetesError?)?) { state.withLock { $0.gate = gate } }

    /// Every open watch, of those that were begun after a certain one, stays open and never says anything more.
    func stallWatches(after first: Int = 0) {
        state.withLock { state in
            for id in state.watchers.keys where id > first { state.watchers[id]?.isStalled = true }
        }
    }

    /// The number of the latest watch.
    var latestWatch: Int { state.withLock(\.nextWatcher) }

    /// What the client does with watches that are silent for too long.
    func endStalledWatches() {
        let stalled = state.withLock { state in
            let stalled = state.watchers.filter { $0.value.isStalled }
            for id in stalled.keys { state.watchers[id] = nil }
            return Array(stalled.values)
        }
        for watcher in stalled {
            watcher.continuation.finish(throwing: KubernetesError(.watchIdle, message: "The watch was silent."))
        }
    }

    var watchCount: Int { state.withLock(\.watchers.count) }

    // MARK: KubernetesAPI

    func get(
        _ resource: APIResource, namespace: String?, name: String
    ) async throws(KubernetesError) -> KubernetesObject {
        try admit("get", resource, namespace, name)
        guard let object = object(resource, namespace, name) else { throw Self.notFound }
        return object
    }

    func list(
        _ resource: APIResource, namespace: String?, _ options: ListOptions
    ) async throws(KubernetesError) -> ObjectList {
        try admit("list", resource, namespace, "", options.fieldSelector, options.metadataOnly)
        return state.withLock { state in
            let items = state.objects.filter {
                $0.key.resource == resource && Self.isSelected($0.value, namespace, Self.name(options.fieldSelector))
            }
            return ObjectList(
                items: items.map { options.metadataOnly ? Self.metadata($0.value) : $0.value },
                resourceVersion: "\(state.version)")
        }
    }

    func watch(
        _ resource: APIResource, namespace: String?, _ options: WatchOptions
    ) async throws(KubernetesError) -> WatchStream {
        try admit("watch", resource, namespace, "", options.fieldSelector, options.metadataOnly)
        if options.sendInitialEvents { throw KubernetesError(.invalid, statusCode: 422, message: "No WatchList here.") }
        let from = Int64(options.resourceVersion ?? "") ?? 0
        let (stream, continuation) = AsyncThrowingStream.makeStream(of: WatchEvent.self)
        let name = Self.name(options.fieldSelector)
        let id = state.withLock { state in
            for entry in state.log where entry.resource == resource && entry.version > from {
                if Self.isSelected(Self.object(of: entry.event), namespace, name) { continuation.yield(entry.event) }
            }
            state.nextWatcher += 1
            state.watchers[state.nextWatcher] = Watcher(
                resource: resource, namespace: namespace, name: name, continuation: continuation)
            return state.nextWatcher
        }
        continuation.onTermination = { _ in _ = self.state.withLock { $0.watchers.removeValue(forKey: id) } }
        let reader = WatchReader(stream)
        return WatchStream { () async throws(KubernetesError) in try await reader.next() }
    }

    func create(
        _ object: KubernetesObject, in resource: APIResource
    ) async throws(KubernetesError) -> KubernetesObject {
        try admit("create", resource, object.namespace, object.name)
        let id = Stored(resource: resource, key: ObjectKey(object))
        let stored: KubernetesObject? = state.withLock { state in
            state.objects[id] == nil ? store(object, id, &state) : nil
        }
        guard let stored else { throw KubernetesError(.alreadyExists, statusCode: 409, message: "It exists.") }
        return stored
    }

    func replace(
        _ object: KubernetesObject, in resource: APIResource, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        try admit("replace", resource, object.namespace, object.name)
        return try change(resource, ObjectKey(object), object.metadata) { stored in
            stored.spec = object.spec
        }
    }

    func apply(
        _ object: KubernetesObject, to resource: APIResource, fieldManager: String, force: Bool, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        try admit("apply/\(subresource ?? "")", resource, object.namespace, object.name)
        return try change(resource, ObjectKey(object), object.metadata) { stored in
            if subresource == "status" { stored.status = object.status } else { stored.spec = object.spec }
        }
    }

    func mergePatch(
        _ patch: JSONObject, to resource: APIResource, namespace: String?, name: String, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        try admit("patch", resource, namespace, name)
        let metadata = patch["metadata"]?.objectValue ?? [:]
        return try change(resource, ObjectKey(namespace: namespace, name: name), metadata) { stored in
            if let finalizers = metadata["finalizers"]?.arrayValue {
                stored.finalizers = finalizers.compactMap(\.stringValue)
            }
        }
    }

    func delete(
        _ resource: APIResource, namespace: String?, name: String, preconditions: DeletePreconditions?
    ) async throws(KubernetesError) {
        try admit("delete", resource, namespace, name)
        remove(resource, namespace, name)
    }

    func version() async throws(KubernetesError) -> ServerVersion { ServerVersion(major: 1, minor: 36) }
}

extension MemoryCluster {
    private static let unreachable = KubernetesError(.transport, message: "Connection refused.")
    private static let notFound = KubernetesError(.notFound, statusCode: 404, message: "There is none.")

    private func admit(
        _ verb: String, _ resource: APIResource, _ namespace: String?, _ name: String, _ selector: String? = nil,
        _ metadataOnly: Bool = false
    ) throws(KubernetesError) {
        let request = Request(
            verb: verb, resource: resource.plural, key: ObjectKey(namespace: namespace, name: name),
            fieldSelector: selector, metadataOnly: metadataOnly)
        let failure: KubernetesError? = state.withLock { state in
            if state.isGone { return Self.unreachable }
            state.requests.append(request)
            if state.missing.contains(resource) { return Self.notFound }
            return state.gate?(request)
        }
        if let failure { throw failure }
    }

    private func change(
        _ resource: APIResource, _ key: ObjectKey, _ precondition: JSONObject,
        _ body: (inout KubernetesObject) -> Void
    ) throws(KubernetesError) -> KubernetesObject {
        let id = Stored(resource: resource, key: key)
        let result: Result<KubernetesObject, KubernetesError> = state.withLock { state in
            guard var object = state.objects[id] else { return .failure(Self.notFound) }
            for member in ["uid", "resourceVersion"] {
                if let wanted = precondition[member], wanted != object.metadata[member] {
                    return .failure(KubernetesError(.conflict, statusCode: 409, message: "\(member) is another."))
                }
            }
            body(&object)
            guard object.deletionTimestamp == nil || !object.finalizers.isEmpty else {
                drop(id, &state)
                return .success(object)
            }
            return .success(store(object, id, &state))
        }
        return try result.get()
    }

    private func store(_ object: KubernetesObject, _ id: Stored, _ state: inout State) -> KubernetesObject {
        var object = object
        let former = state.objects[id]
        if former == object { return object }
        state.version += 1
        if former == nil {
            state.uids += 1
            object.metadata["uid"] = .string("uid-\(state.uids)")
        }
        if former?.spec != object.spec { object.metadata["generation"] = .int((former?.generation ?? 0) + 1) }
        object.resourceVersion = "\(state.version)"
        state.objects[id] = object
        tell(former == nil ? .added(object) : .modified(object), id, &state)
        return object
    }

    private func drop(_ id: Stored, _ state: inout State) {
        guard var object = state.objects.removeValue(forKey: id) else { return }
        state.version += 1
        object.resourceVersion = "\(state.version)"
        tell(.deleted(object), id, &state)
    }

    private func tell(_ event: WatchEvent, _ id: Stored, _ state: inout State) {
        state.log.append((state.version, id.resource, event))
        for watcher in state.watchers.values where watcher.resource == id.resource && !watcher.isStalled {
            guard Self.isSelected(Self.object(of: event), watcher.namespace, watcher.name) else { continue }
            watcher.continuation.yield(event)
        }
    }

    private static func isSelected(_ object: KubernetesObject, _ namespace: String?, _ name: String?) -> Bool {
        (namespace == nil || object.namespace == namespace) && (name == nil || object.name == name)
    }

    private static func name(_ selector: String?) -> String? {
        selector.map { String($0.dropFirst("metadata.name=".count)) }
    }

    private static func metadata(_ object: KubernetesObject) -> KubernetesObject {
        KubernetesObject(json: ["metadata": .object(object.metadata)])
    }

    private static func object(of event: WatchEvent) -> KubernetesObject {
        switch event {
        case .added(let object), .modified(let object), .deleted(let object): object
        case .bookmark: KubernetesObject(json: [:])
        }
    }
}

/// Reads one watch's events, for one reader at a time.
private final class WatchReader: @unchecked Sendable {
    // A watch stream has one reader, which asks for the next event after it got the last: never two at once.
    private var iterator: AsyncThrowingStream<WatchEvent, any Error>.Iterator

    init(_ stream: AsyncThrowingStream<WatchEvent, any Error>) { iterator = stream.makeAsyncIterator() }

    func next() async throws(KubernetesError) -> WatchEvent? {
        do {
            return try await iterator.next()
        } catch {
            throw error as? KubernetesError ?? KubernetesError(.transport, message: "\(error)")
        }
    }
}
