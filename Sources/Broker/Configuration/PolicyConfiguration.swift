import Policy

/// How policies are taken.
public struct PolicyConfiguration: Sendable, Hashable {
    /// Stores the shipped appraisal policies in a database that never held a policy, so that guests can attest; they release
    /// nothing. Not where signatures are required: nobody signed them.
    public var installDefaults = true
    /// Signatures on policy bundles.
    public var signatures = PolicySignatureConfiguration()
    /// What each source of policies may say. Without any, every source may say everything that the role of its token may send;
    /// with some, only these are taken.
    public var sources: [PolicySourceConfiguration] = []

    /// The defaults.
    public init() {}
}

/// Whose signatures policy bundles need.
public struct PolicySignatureConfiguration: Sendable, Hashable {
    /// Takes policies and reference values in signed bundles only, and decides by nothing else.
    public var required = false
    /// Paths of files with the public keys that may sign: PEM, JWK or JWK set. Without any, no signed bundle is taken.
    public var keyFiles: [String] = []
    /// How many different keys must have signed a bundle.
    public var threshold = 1
    /// Names of the bundles that are taken; bundles of any name when there are none. A key may sign for several brokers: this
    /// says which bundles are meant for this one.
    public var bundles: [String] = []

    /// Signatures are not required, and none is trusted.
    public init() {}
}

extension PolicyConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        installDefaults = try section.flag("installDefaults") ?? installDefaults
        if var section = try section.section("signatures") { signatures = try PolicySignatureConfiguration(&section) }
        for var source in try section.sections("sources") ?? [] {
            let rule = try PolicySourceConfiguration(&source)
            guard !sources.contains(where: { $0.name == rule.name }) else {
                throw source.invalid("name", "is given twice.")
            }
            sources.append(rule)
        }
        try section.finish()
    }
}

extension PolicySignatureConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        required = try section.flag("required") ?? required
        keyFiles = try section.texts("keys") ?? keyFiles
        threshold = try section.integer("threshold", in: 1...16) ?? threshold
        bundles = try section.texts("bundles") ?? bundles
        for name in bundles where !PolicyBundleContent.isName(name) {
            throw section.invalid("bundles", "must be names of bundles: lowercase letters, digits, '-' and '.'.")
        }
        if required, keyFiles.isEmpty {
            throw section.invalid("keys", "must not be empty when signatures are required.")
        }
        try section.finish()
    }
}
