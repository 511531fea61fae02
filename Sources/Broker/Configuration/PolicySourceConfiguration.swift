public import Policy

/// What a source of policies, such as a cluster's controller, may say.
public struct PolicySourceConfiguration: Sendable, Hashable {
    /// The source's name.
    public var name: String
    /// The kinds of documents that it may have; all when absent.
    public var kinds: Set<PolicyKind>?
    /// The namespaces, which are tenants and repositories, that its documents may be of: names, or beginnings with `*` behind
    /// them. All when absent.
    public var namespaces: [String]?
    /// Whether it may have documents of no namespace, which reach everybody's resources.
    public var allowsCluster: Bool
    /// Whether its brokered secrets may take over resources that somebody else wrote, when they ask for it.
    public var allowsAdopting: Bool
    /// Whether it may have brokered secrets.
    public var allowsSecrets: Bool

    /// What a source may say; documents of no namespace by default when it is not held to namespaces, and secrets when it is
    /// not held to kinds.
    public init(
        name: String, kinds: Set<PolicyKind>? = nil, namespaces: [String]? = nil, allowsCluster: Bool? = nil,
        allowsAdopting: Bool = false, allowsSecrets: Bool? = nil
    ) {
        self.name = name
        self.kinds = kinds
        self.namespaces = namespaces
        self.allowsCluster = allowsCluster ?? (namespaces == nil)
        self.allowsAdopting = allowsAdopting
        self.allowsSecrets = allowsSecrets ?? (kinds == nil)
    }

    /// Whether a name can be a source's: lowercase letters, digits, `-` and `.`, with a letter or digit at both ends.
    public static func isName(_ name: String) -> Bool { PolicyBundleContent.isName(name) }

    /// Why a document of this name is not taken from the source, as a code and the end of a sentence; nil when it is.
    func objection(kind: PolicyKind, namespace: String?) -> (code: String, message: String)? {
        if let kinds, !kinds.contains(kind) {
            return ("kind_not_allowed", "may not have documents of the kind \(kind.rawValue)")
        }
        guard let namespace else {
            return allowsCluster ? nil : ("cluster_not_allowed", "may not have documents of no namespace")
        }
        return allows(namespace: namespace)
            ? nil : ("namespace_not_allowed", "may not have documents of the namespace \(namespace)")
    }

    /// Whether the source may say something of a namespace.
    func allows(namespace: String) -> Bool {
        guard let namespaces else { return true }
        return namespaces.contains { pattern in
            pattern.hasSuffix("*")
                ? namespace.utf8.starts(with: pattern.dropLast().utf8) : namespace.utf8.elementsEqual(pattern.utf8)
        }
    }
}

extension PolicySourceConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        self.init(name: try section.requiredText("name"))
        guard Self.isName(name) else {
            throw section.invalid("name", "must be of lowercase letters, digits, '-' and '.'.")
        }
        if let words = try section.texts("kinds") {
            var known: Set<PolicyKind> = []
            for word in words {
                guard let kind = PolicyKind(rawValue: word) else {
                    let names = PolicyKind.allCases.map(\.rawValue).joined(separator: ", ")
                    throw section.invalid("kinds", "has \(word); there are \(names).")
                }
                known.insert(kind)
            }
            kinds = known
        }
        namespaces = try section.texts("namespaces")
        for pattern in namespaces ?? [] where pattern.dropLast().contains("*") {
            throw section.invalid("namespaces", "has \(pattern): only the last character may be '*'.")
        }
        allowsCluster = try section.flag("cluster") ?? (namespaces == nil)
        allowsSecrets = try section.flag("secrets") ?? (kinds == nil)
        allowsAdopting = try section.flag("adopt") ?? false
        guard allowsSecrets || !allowsAdopting else {
            throw section.invalid("adopt", "makes no sense for a source that may not have secrets.")
        }
        try section.finish()
    }
}
