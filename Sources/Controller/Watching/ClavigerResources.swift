import Kubernetes
import Policy

extension APIResource {
    static let releasePolicies = APIResource.claviger("releasepolicies", "ReleasePolicy")
    static let clusterReleasePolicies = APIResource.claviger(
        "clusterreleasepolicies", "ClusterReleasePolicy", isNamespaced: false)
    static let appraisalPolicies = APIResource.claviger("appraisalpolicies", "AppraisalPolicy", isNamespaced: false)
    static let referenceValues = APIResource.claviger("referencevalues", "ReferenceValues")
    static let policyBundles = APIResource.claviger("policybundles", "PolicyBundle", isNamespaced: false)
    static let brokeredSecrets = APIResource.claviger("brokeredsecrets", "BrokeredSecret")
    static let agentProfiles = APIResource.claviger("agentprofiles", "AgentProfile")

    /// The kinds whose objects are policies that the broker compiles.
    static let policies: [APIResource] = [
        .releasePolicies, .clusterReleasePolicies, .appraisalPolicies, .referenceValues,
    ]

    private static func claviger(_ plural: String, _ kind: String, isNamespaced: Bool = true) -> APIResource {
        APIResource(
            group: "claviger.dev", version: "v1alpha1", plural: plural, kind: kind, isNamespaced: isNamespaced)
    }
}
