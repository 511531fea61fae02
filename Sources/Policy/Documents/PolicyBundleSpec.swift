/// The body of a `PolicyBundle`, which only carries what was signed elsewhere.
public struct PolicyBundleSpec: Sendable, Hashable {
    /// The largest bundle that fits into an object of Kubernetes, in bytes.
    public static let maximumBytes = 1_048_576

    /// The text of a ``SignedPolicyBundle``. Its signatures were not checked.
    public let bundle: String
}
