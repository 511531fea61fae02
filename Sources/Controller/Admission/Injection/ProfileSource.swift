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
