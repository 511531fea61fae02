/// What the operator of the controller says about injected agents. Nothing of it ever comes from a pod.
public struct InjectionSettings: Sendable, Hashable {
    /// When the kubelet pulls the image.
    public enum PullPolicy: String, Sendable, Hashable, CaseIterable {
        /// Unless the node has it.
        case ifNotPresent = "IfNotPresent"
        /// At every start.
        case always = "Always"
        /// It must be there.
        case never = "Never"
    }

    /// The agent's image, best by digest; nil while nothing can be injected.
    public var image: String?
    /// When it is pulled.
    public var pullPolicy = PullPolicy.ifNotPresent
    /// The broker's addresses (`https://…`) for pods that name no profile, the preferred one first.
    public var brokerURLs: [String] = []
    /// Certificates (PEM) that the broker's must lead to; nil for those of the agent's image.
    public var authorities: String?
    /// What is reserved for an agent, by `cpu` and `memory`.
    public var requests = ["cpu": "10m", "memory": "48Mi"]
    /// What it may use at most.
    public var limits = ["memory": "128Mi"]
    /// The user of an agent where neither pod nor profile name one.
    public var user: Int64 = 65_532
    /// Whether an AgentProfile may choose the image.
    public var profilesChooseImages = false
    /// Whether agents may give evidence that proves nothing. For development only.
    public var allowsSample = false
    /// Namespaces whose pods are never touched, the controller's own among them.
    public var excludedNamespaces: Set<String> = ["kube-system", "kube-public", "kube-node-lease"]

    /// The name of who injects, which no other in the cluster has: the MutatingWebhookConfiguration's. Pods say it, and what
    /// another one injected is refused; nil says nothing.
    public var injector: String?

    /// Settings by which nothing is injected yet.
    public init() {}
}

/// Names that people and the API server meet.
enum InjectionNames {
    /// On a namespace: its pods may get agents.
    static let namespaceLabel = "claviger.dev/injection"
    static let namespaceLabelValue = "enabled"
    /// On a pod: `true`, `false`, or the name of an AgentProfile.
    static let request = "claviger.dev/inject"
    /// What was injected, and a digest of it.
    static let status = "claviger.dev/agent-status"
    /// The agent's configuration file.
    static let configuration = "claviger.dev/agent-config"
    /// The authorities that the agent trusts, PEM.
    static let authorities = "claviger.dev/agent-ca"

    /// What the agent's annotations begin with.
    static let annotationPrefix = "claviger.dev/agent-"

    static let container = "claviger-agent"
    static let configurationVolume = "claviger-agent-config"
    static let configurationFolder = "/etc/claviger-agent"
    static let configurationFile = "agent.json"
    static let authorityFile = "ca.crt"
    static let filesVolume = "claviger-files-"
    static let program = "/usr/bin/attestation-agent"
    static let serviceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount"
    /// What the volumes begin with by which containers get the token of the service account.
    static let tokenVolume = "kube-api-access-"
    /// Where the agent answers the pod's containers when no socket is named.
    static let address = "127.0.0.1:8006"
    static let port: Int64 = 8_006
}
