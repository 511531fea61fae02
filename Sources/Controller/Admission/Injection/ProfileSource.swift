import Kubernetes
import Policy

/// Where AgentProfiles come from when a pod is looked at.
protocol ProfileSource: Sendable {
    /// The profile of that name; nil when there is none.
    ///
    /// - Throws: ``InjectionRefusal`` `unavailable` when nobody can tell.
    func profile(_ name: String, in namespace: String) async throws(InjectionRefusal) -> KubernetesObject?

    /// All profiles of a namespace.
    ///
    /// - Throws: ``InjectionRefusal`` `unavailable` when not everything was read yet.
    func profiles(in namespace: String) throws(InjectionRefusal) -> [KubernetesObject]
}

/// Profiles that are followed, and asked for by name where that did not tell of them yet: a profile is often created together
/// with the pods that name it.
struct FollowedProfiles: ProfileSource {
    let cache: any ObjectCache
    let api: any KubernetesAPI

    func profile(_ name: String, in namespace: String) async throws(InjectionRefusal) -> KubernetesObject? {
        if let object = cache[ObjectKey(namespace: namespace, name: name)] { return object }
        do throws(KubernetesError) {
            return try await api.get(.agentProfiles, namespace: namespace, name: name)
        } catch {
            guard error.kind != .notFound else { return nil }
            throw InjectionRefusal(
                code: "unavailable",
                message: "The controller cannot read the AgentProfile \(name) of the namespace \(namespace) "
                    + "(\(error.kind.rawValue)). Try again.")
        }
    }

    func profiles(in namespace: String) throws(InjectionRefusal) -> [KubernetesObject] {
        guard cache.hasSynced else {
            throw InjectionRefusal(
                code: "unavailable", message: "The controller has not read the AgentProfiles yet. Try again.")
        }
        return cache.objects.filter { $0.namespace == namespace }
    }
}
