/// What the policies say about one request, and why.
public struct Decision: Sendable, Hashable {
    /// Whether the release is allowed.
    public let allowed: Bool
    /// Why, as a stable code.
    public let reason: DecisionReason
    /// Why, in one sentence for the operator. It names measurements and policies: not for the guest.
    public let message: String
    /// What was asked for: operation, plugin and path, such as `get resource/payments/image-key/app`.
    public let request: String
    /// Every policy that was considered: those that allow, then the guardrails.
    public let trace: [PolicyTrace]
    /// The policy with the fewest failed conditions of those that could have allowed.
    public let nearest: String?
    /// Digest of the policy bundle that decided.
    public let bundleDigest: String
    /// What policies of the mode Audit would have changed.
    public let audit: AuditVerdict?
    /// What is to be known about how the attestation was graded, such as a reference value that ends soon.
    public let notes: [String]
    /// What has to be counted before this is the decision: empty unless policies with limits have a say. Not kept in the
    /// ledger.
    public let demands: [LimitDemand]
    /// What the release is charged with, to be stored together with the decision. Not kept in the ledger.
    public let charges: [LimitCharge]

    /// A decision made of its parts.
    public init(
        allowed: Bool, reason: DecisionReason, message: String, request: String, trace: [PolicyTrace],
        nearest: String?, bundleDigest: String, audit: AuditVerdict? = nil, notes: [String] = [],
        demands: [LimitDemand] = [], charges: [LimitCharge] = []
    ) {
        self.allowed = allowed
        self.reason = reason
        self.message = message
        self.request = request
        self.trace = trace
        self.nearest = nearest
        self.bundleDigest = bundleDigest
        self.audit = audit
        self.notes = notes
        self.demands = demands
        self.charges = charges
    }
}
