import Kubernetes
import Policy

/// The objects of one of our kinds, or why they cannot be read.
struct KindListing: Sendable {
    let kind: ResourceKind
    let objects: [KubernetesObject]
    /// Why there are none: the kind is not defined, or the caller has no right to see it.
    let problem: String?

    /// Lists a kind. What belongs to the whole cluster is listed whatever the namespace is.
    static func read(
        _ kind: ResourceKind, namespace: String?, from cluster: ClusterReader
    ) async throws(KubernetesError) -> KindListing {
        do throws(KubernetesError) {
            let objects = try await cluster.objects(APIResource(kind), namespace: namespace)
            return KindListing(kind: kind, objects: objects, problem: nil)
        } catch {
            switch error.kind {
            case .notFound:
                let cure = "claviger crd prints the definitions"
                return KindListing(
                    kind: kind, objects: [], problem: "the cluster does not know \(kind.rawValue): \(cure)")
            case .forbidden:
                return KindListing(kind: kind, objects: [], problem: "\(kind.pluralName): \(error.message)")
            default: throw error
            }
        }
    }
}

extension APIResource {
    /// Where the objects of one of our kinds are found.
    init(_ kind: ResourceKind) {
        let parts = PolicyDocument.apiVersion.split(separator: "/").map(String.init)
        self.init(
            group: parts.first ?? "", version: parts.last ?? "", plural: kind.pluralName, kind: kind.rawValue,
            isNamespaced: kind.isNamespacedResource)
    }

    /// The definitions of kinds.
    static let definitions = APIResource(
        group: "apiextensions.k8s.io", version: "v1", plural: "customresourcedefinitions",
        kind: "CustomResourceDefinition", isNamespaced: false)
}
