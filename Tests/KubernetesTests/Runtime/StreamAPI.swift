import Encodings
import Kubernetes

/// An API server with an empty collection and one watch.
struct StreamAPI: UnscriptedAPI {
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
}
