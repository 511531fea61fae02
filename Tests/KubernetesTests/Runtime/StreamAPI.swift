import Encodings
import Kubernetes

/// An API server with an empty collection and one watch.
struct StreamAPI: KubernetesAPI {
    private let stream: WatchStream
    private let start: String?
    private let rest = ScriptedAPI([])

    /// The stream is what a watch from `start` gives, nil for a WatchList.
    init(_ stream: WatchStream, from start: String? = "1") { (self.stream, self.start) = (stream, start) }

    func list(
        _: APIResource, namespace: String?, _: ListOptions
    ) async throws(KubernetesError) -> ObjectList {
        ObjectList(items: [], resourceVersion: "1")
    }

    func watch(
        _ resource: APIResource, namespace: String?, _ options: WatchOptions
    ) async throws(KubernetesError) -> WatchStream {
        options.resourceVersion == start ? stream : try await rest.watch(resource, namespace: namespace, options)
    }

    func get(_: APIResource, namespace: String?, name: String) async throws(KubernetesError) -> KubernetesObject {
        throw .unscripted
    }

    func create(_: KubernetesObject, in: APIResource) async throws(KubernetesError) -> KubernetesObject {
        throw .unscripted
    }

    func replace(
        _: KubernetesObject, in: APIResource, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        throw .unscripted
    }

    func apply(
        _: KubernetesObject, to: APIResource, fieldManager: String, force: Bool, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        throw .unscripted
    }

    func mergePatch(
        _: JSONObject, to: APIResource, namespace: String?, name: String, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject {
        throw .unscripted
    }

    func delete(
        _: APIResource, namespace: String?, name: String, preconditions: DeletePreconditions?
    ) async throws(KubernetesError) {
        throw .unscripted
    }

    func version() async throws(KubernetesError) -> ServerVersion { ServerVersion(major: 1, minor: 36) }
}
