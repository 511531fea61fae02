/// The kinds of objects of the API group `claviger.dev`: policies, and what is none.
///
/// Only those that are a ``PolicyKind`` too decide about releases. The others are read by the controller or by what it
/// hands them to.
public enum ResourceKind: String, Sendable, Hashable, CaseIterable {
    /// Which attested workloads may do what with the resources of one namespace.
    case releasePolicy = "ReleasePolicy"
    /// The same over all namespaces, or a limit over all releases.
    case clusterReleasePolicy = "ClusterReleasePolicy"
    /// How claims become a trust vector.
    case appraisalPolicy = "AppraisalPolicy"
    /// Named values that claims are compared with.
    case referenceValues = "ReferenceValues"
    /// A value that the broker makes, or takes over sealed, and keeps as a resource of the namespace.
    case brokeredSecret = "BrokeredSecret"
    /// How pods get an agent, and what it does for them.
    case agentProfile = "AgentProfile"
    /// A bundle of policies that was signed elsewhere.
    case policyBundle = "PolicyBundle"

    /// The kind as a policy; `nil` for what is none.
    public var policy: PolicyKind? { PolicyKind(rawValue: rawValue) }

    /// Whether a document of this kind must, may or must not name a namespace.
    enum Scope { case namespaced, cluster, either }

    var scope: Scope {
        switch self {
        case .releasePolicy, .brokeredSecret, .agentProfile: .namespaced
        case .clusterReleasePolicy, .appraisalPolicy, .policyBundle: .cluster
        case .referenceValues: .either
        }
    }
}
