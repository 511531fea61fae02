/// The kinds of documents that this version reads.
public enum PolicyKind: String, Sendable, Hashable, CaseIterable {
    /// Which attested workloads may do what with the resources of one namespace.
    case releasePolicy = "ReleasePolicy"
    /// The same over all namespaces, or a limit over all releases.
    case clusterReleasePolicy = "ClusterReleasePolicy"
    /// How claims become a trust vector.
    case appraisalPolicy = "AppraisalPolicy"
    /// Named values that claims are compared with.
    case referenceValues = "ReferenceValues"

    /// Whether a document of this kind must, may or must not name a namespace.
    enum Scope { case namespaced, cluster, either }

    var scope: Scope {
        switch self {
        case .releasePolicy: .namespaced
        case .clusterReleasePolicy, .appraisalPolicy: .cluster
        case .referenceValues: .either
        }
    }
}
