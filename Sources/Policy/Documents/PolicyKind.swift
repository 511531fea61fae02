/// The kinds of policies that this version reads; ``ResourceKind`` has those that are no policies too.
public enum PolicyKind: String, Sendable, Hashable, CaseIterable {
    /// Which attested workloads may do what with the resources of one namespace.
    case releasePolicy = "ReleasePolicy"
    /// The same over all namespaces, or a limit over all releases.
    case clusterReleasePolicy = "ClusterReleasePolicy"
    /// How claims become a trust vector.
    case appraisalPolicy = "AppraisalPolicy"
    /// Named values that claims are compared with.
    case referenceValues = "ReferenceValues"
}
