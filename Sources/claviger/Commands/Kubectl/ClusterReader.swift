import Kubernetes

/// Reads a cluster's objects, for people who look at it once.
struct ClusterReader: Sendable {
    private static let pageSize = 500
    private static let maximumObjects = 100_000

    let api: any KubernetesAPI
    /// The namespace that is meant where a command names none.
    let namespace: String

    /// All objects of a resource; of all namespaces when `namespace` is nil.
    func objects(
        _ resource: APIResource, namespace: String?, fieldSelector: String? = nil
    ) async throws(KubernetesError) -> [KubernetesObject] {
        let options = ListOptions(fieldSelector: fieldSelector, limit: Self.pageSize)
        do throws(KubernetesError) {
            return try await pages(resource, namespace, options)
        } catch {
            guard error.kind == .gone else { throw error }
            // Pages that expired while they were read show nothing; in one piece the list cannot expire.
            return try await pages(resource, namespace, ListOptions(fieldSelector: fieldSelector))
        }
    }

    private func pages(
        _ resource: APIResource, _ namespace: String?, _ options: ListOptions
    ) async throws(KubernetesError) -> [KubernetesObject] {
        var options = options
        var objects: [KubernetesObject] = []
        while true {
            let page = try await api.list(resource, namespace: namespace, options)
            objects += page.items
            guard let next = page.continueToken, next != options.continueToken else { return objects }
            guard !page.items.isEmpty, objects.count < Self.maximumObjects else {
                throw KubernetesError(
                    .tooLarge, message: "The API server lists \(resource.plural) without end, or too many of them.")
            }
            options.continueToken = next
        }
    }
}
