public import Encodings

/// The verbs of the Kubernetes API, over objects of any kind.
///
/// Nothing is retried behind the caller's back except once after a refused token. A cancelled task gets the kind
/// `cancelled`.
public protocol KubernetesAPI: Sendable {
    /// One object.
    func get(
        _ resource: APIResource, namespace: String?, name: String
    ) async throws(KubernetesError) -> KubernetesObject

    /// One page of a collection; of all namespaces when `namespace` is nil.
    func list(
        _ resource: APIResource, namespace: String?, _ options: ListOptions
    ) async throws(KubernetesError) -> ObjectList

    /// What happens to a collection from a version on; of all namespaces when `namespace` is nil.
    ///
    /// - Returns: the events, once the server has accepted the watch.
    func watch(
        _ resource: APIResource, namespace: String?, _ options: WatchOptions
    ) async throws(KubernetesError) -> WatchStream

    /// Creates the object in the namespace that it names.
    ///
    /// - Returns: the object as stored, like the other verbs that write.
    func create(
        _ object: KubernetesObject, in resource: APIResource
    ) async throws(KubernetesError) -> KubernetesObject

    /// Replaces the object, or its subresource: `conflict` unless its resourceVersion, where it has one, is the stored one.
    func replace(
        _ object: KubernetesObject, in resource: APIResource, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject

    /// Applies the object's fields in the name of a field manager (server-side apply).
    ///
    /// - Parameter force: whether fields are taken from other managers; `conflict` names them otherwise.
    func apply(
        _ object: KubernetesObject, to resource: APIResource, fieldManager: String, force: Bool, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject

    /// Merges into the object (RFC 7396).
    func mergePatch(
        _ patch: JSONObject, to resource: APIResource, namespace: String?, name: String, subresource: String?
    ) async throws(KubernetesError) -> KubernetesObject

    /// Asks for the object's deletion; it stays for as long as it has finalizers.
    func delete(
        _ resource: APIResource, namespace: String?, name: String, preconditions: DeletePreconditions?
    ) async throws(KubernetesError)

    /// The server's version.
    func version() async throws(KubernetesError) -> ServerVersion
}

extension KubernetesAPI {
    /// Replaces the object itself.
    public func replace(
        _ object: KubernetesObject, in resource: APIResource
    ) async throws(KubernetesError) -> KubernetesObject {
        try await replace(object, in: resource, subresource: nil)
    }

    /// Asks for the object's deletion, whatever became of it.
    public func delete(_ resource: APIResource, namespace: String?, name: String) async throws(KubernetesError) {
        try await delete(resource, namespace: namespace, name: name, preconditions: nil)
    }
}
