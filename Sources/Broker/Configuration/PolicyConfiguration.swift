/// How policies are taken.
public struct PolicyConfiguration: Sendable, Hashable {
    /// Stores the shipped appraisal policies in a database that never held a policy, so that guests can attest; they release
    /// nothing.
    public var installDefaults = true

    /// The defaults.
    public init() {}
}

extension PolicyConfiguration {
    init(_ section: inout ConfigurationSection) throws(ConfigurationError) {
        installDefaults = try section.flag("installDefaults") ?? installDefaults
        try section.finish()
    }
}
