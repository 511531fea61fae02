/// Which service accounts of a Kubernetes cluster may administrate, and how the cluster's keys are found.
public struct KubernetesIdentityConfiguration: Sendable, Hashable {
    /// What a service account may do here.
    public struct Role: Sendable, Hashable {
        /// The account: `system:serviceaccount:NAMESPACE:NAME`.
        public var subject: String
        /// The role, for which the access list says the rest.
        public var role: String

        /// A role of an account.
        public init(subject: String, role: String) {
            self.subject = subject
            self.role = role
        }

        /// Namespace and name of the account; nil when the subject is none.
        public var account: (namespace: String, name: String)? {
            let parts = subject.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 4, parts[0] == "system", parts[1] == "serviceaccount",
                !parts[2].isEmpty, !parts[3].isEmpty
            else { return nil }
            return (parts[2], parts[3])
        }
    }

    /// What each account may do; accounts that are not named may do nothing.
    public var roles: [Role]
    /// Asks the issuer for its keys, in place of a file with them.
    public var discovers: Bool
    /// Path of the certificates (PEM) that the issuer's server is trusted by, and by no others.
    public var certificateFile: String?
    /// Path of the token that is shown to the issuer when it is asked for its keys; none is when absent.
    public var tokenFile: String?

    /// Roles of accounts, whose keys come from the provider's file unless they are discovered.
    public init(
        roles: [Role], discovers: Bool = false, certificateFile: String? = nil, tokenFile: String? = nil
    ) {
        self.roles = roles
        self.discovers = discovers
        self.certificateFile = certificateFile
        self.tokenFile = tokenFile
    }
}

extension IdentityProviderConfiguration {
    /// Reads a provider that is a cluster.
    init(kubernetes section: inout ConfigurationSection) throws(ConfigurationError) {
        let issuer = try section.requiredText("issuer")
        let audience = try section.requiredText("audience")
        let keys = try section.text("jwkSetFile")
        let discovers = try section.flag("discovery") ?? false
        var cluster = KubernetesIdentityConfiguration(
            roles: [], discovers: discovers, certificateFile: try section.text("caFile"),
            tokenFile: try section.text("tokenFile"))
        for var entry in try section.sections("roles") ?? [] {
            let role = KubernetesIdentityConfiguration.Role(
                subject: try entry.requiredText("subject"), role: try entry.requiredText("role"))
            guard role.account != nil else {
                throw entry.invalid("subject", "must be system:serviceaccount:NAMESPACE:NAME.")
            }
            guard !cluster.roles.contains(where: { $0.subject == role.subject }) else {
                throw entry.invalid("subject", "is given twice.")
            }
            try entry.finish()
            cluster.roles.append(role)
        }
        guard !cluster.roles.isEmpty else { throw section.invalid("roles", "must not be empty.") }
        guard discovers != (keys != nil) else {
            throw section.invalid("jwkSetFile", "or discovery: true must be given, and not both.")
        }
        if discovers {
            guard issuer.hasPrefix("https://") else {
                throw section.invalid("issuer", "must be an https:// address to be asked for its keys.")
            }
            guard cluster.certificateFile != nil else {
                throw section.invalid("caFile", "must be given: the issuer's server is trusted by nothing else.")
            }
        } else if cluster.certificateFile != nil || cluster.tokenFile != nil {
            throw section.invalid("caFile", "and tokenFile are for discovery.")
        }
        try section.finish()
        self.init(issuer: issuer, audience: audience, jwkSetFile: keys, kubernetes: cluster)
    }
}
