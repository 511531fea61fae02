import Encodings
import Kubernetes
import Synchronization

/// An API server that keeps objects with versions, and fails as a test wants it to. It does not list or watch.
final class MemoryAPI: KubernetesAPI {
    enum Fault: Sendable {
        /// The request never arrives.
        case unreachable
        /// The request is carried out, and its answer gets lost.
        case answerLost
        /// There is no answer until the caller gives up.
        case hangs
        case error(KubernetesError)
    }

    struct Write: Sendable {
        let verb: String
        let object: JSONObject
    }

    private struct State {
        var objects: [String: KubernetesObject] = [:]
        var version = 100
        var fault: Fault?
        var writes: [Write] = []
        var requests = 0
    }

    private let state = Mutex(State())

    /// What every request meets from now on.
    var fault: Fault? {
        get { state.withLock(\.fault) }
        set { state.withLock { $0.fault = newValue } }
    }

    var writes: [Write] { state.withLock(\.writes) }

    /// How many requests were made, also those that met a fault.
    var requests: Int { state.withLock(\.requests) }

    func object(_ resource: APIResource, _ name: String, namespace: String = "a") -> KubernetesObject? {
        state.withLock { $0.objects[resource.path(namespace: namespace, name: name)] }
    }

    /// Changes an object behind everybody's back.
    func put(_ resource: APIResource, _ object: KubernetesObject) {
        state.withLock { state in
            _ = Self.keep(object, at: resource.path(namespace: object.namespace, name: object.name), &state)
        }
    }

    func remove(_ resource: APIResource, _ name: String) {
        state.withLock { $0.objects[resource.path(namespace: "a", name: name)] = nil }
    }

    private static func keep(_ object: KubernetesObject, at path: String, _ state: inout State) -> KubernetesObject {
        var stored = object
        state.version += 1
        stored.resourceVersion = "\(state.version)"
        state.objects[path] = stored
        return stored
    }

    private func perform(
        _ verb: String, _ path: String, _ written: JSONObject?,
        _ change: (inout State, KubernetesObject?) -> Result<KubernetesObject, KubernetesError>
    ) async throws(KubernetesError) -> KubernetesObject {
        state.withLock { $0.requests += 1 }
        switch fault {
        case .unreachable: throw KubernetesError(.transport, message: "no route")
        case .error(let error): throw error
        case .hangs:
            while !Task.isCancelled { try? await Task.sleep(for: .seconds(3_600)) }
            throw KubernetesError(.cancelled, message: "cancelled")
        case .answerLost, nil: break
        }
        let result = state.withLock { state in
            if let written { state.writes.append(Write(verb: verb, object: written)) }
            return change(&state, state.objects[path])
        }
        if case .answerLost? = fault, written != nil { throw KubernetesError(.transport, message: "connection reset") }
        return try result.get()
    }

    func get(
        _ resource: APIResource, namespace: String?, name: String
    ) async throws(KubernetesError) -> KubernetesObject {
        try await perform("get", resource.path(namespace: namespace, name: name), nil) { _, stored in
            stored.map { .success($0) } ?? .failure(KubernetesError(.notFound, statusCode: 404, message: "none"))
        }
    }

    func create(_ object: KubernetesObject, in resource: APIResource) async throws(KubernetesError) -> KubernetesObject
    {
        let path = resource.path(namespace: object.namespace, name: object.name)
        return try await perform("create", path, object.json) { state, stored in
            guard stored == nil else {
                return .failure(KubernetesError(.alreadyExists, statusCode: 409, message: "there"))
            }
            return .success(Self.keep(object, at: path, &state))
        }
    }

    func replace(
        _ object: KubernetesObject, in resource: APIResource, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        let path = resource.path(namespace: object.namespace, name: object.name)
        return try await perform("replace", path, object.json) { state, stored in
            guard let stored else { return .failure(KubernetesError(.notFound, statusCode: 404, message: "none")) }
            guard object.resourceVersion == nil || object.resourceVersion == stored.resourceVersion else {
                return .failure(KubernetesError(.conflict, statusCode: 409, message: "changed"))
            }
            return .success(Self.keep(object, at: path, &state))
        }
    }

    func apply(
        _ object: KubernetesObject, to resource: APIResource, fieldManager: String, force: Bool, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        let path = resource.path(namespace: object.namespace, name: object.name)
        return try await perform("apply \(fieldManager) \(force) \(subresource ?? "")", path, object.json) {
            state, stored in
            guard var stored, stored.uid == object.uid, stored.resourceVersion == object.resourceVersion else {
                return .failure(KubernetesError(.conflict, statusCode: 409, message: "changed"))
            }
            stored.status = object.status
            return .success(Self.keep(stored, at: path, &state))
        }
    }

    func mergePatch(
        _ patch: JSONObject, to resource: APIResource, namespace: String?, name: String, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        let path = resource.path(namespace: namespace, name: name)
        return try await perform("patch", path, patch) { state, stored in
            guard var stored else { return .failure(KubernetesError(.notFound, statusCode: 404, message: "none")) }
            for (member, value) in patch { stored.json[member] = value }
            return .success(Self.keep(stored, at: path, &state))
        }
    }

    func list(_: APIResource, namespace: String?, _: ListOptions) async throws(KubernetesError) -> ObjectList {
        throw .unscripted
    }

    func watch(_: APIResource, namespace: String?, _: WatchOptions) async throws(KubernetesError) -> WatchStream {
        throw .unscripted
    }

    func delete(
        _: APIResource, namespace: String?, name: String, preconditions: DeletePreconditions?
    ) async throws(KubernetesError) {
        throw .unscripted
    }

    func version() async throws(KubernetesError) -> ServerVersion { ServerVersion(major: 1, minor: 36) }
}
