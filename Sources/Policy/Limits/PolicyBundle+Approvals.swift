/// A policy under which releases need approvals.
public struct ApprovablePolicy: Sendable, Hashable {
    /// The policy's identifier, such as `ReleasePolicy/payments/image-keys`.
    public let identifier: String
    /// Digest of its content, which approvals are bound to.
    public let digest: String
    /// Who has to agree.
    public let approvals: ReleaseLimits.Approvals
}

extension PolicyBundle {
    /// The policies that ask for approvals before this resource is released, by identifier.
    public func approvablePolicies(for path: [String]) -> [ApprovablePolicy] {
        releaseIndex.candidates(for: path).map { releases[$0] }.compactMap { policy in
            guard let approvals = policy.spec.limits?.approvals, policy.spec.mode == .enforce,
                policy.isAbout(path: path, operation: "get", plugin: "resource")
            else { return nil }
            return ApprovablePolicy(identifier: policy.identifier, digest: policy.digest, approvals: approvals)
        }
    }
}
