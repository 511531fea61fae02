import FoundationEssentials

/// What has to be counted before one policy with limits can decide one request, and what is charged when it allows it.
public struct LimitDemand: Sendable, Hashable {
    /// The policy's identifier. Counts belong to it whatever its content: a changed policy goes on counting.
    public let policy: String
    /// Digest of the policy's content, which approvals are bound to.
    public let policyDigest: String
    /// The resource that is asked for, such as `payments/image-key/app`.
    public let resource: String
    /// The resource's tenant.
    public let tenant: String
    /// Which instance asks, as a digest in hex; `nil` when no limit asks and when it cannot be told.
    public let instance: String?
    /// Which guest on that instance, as a digest in hex.
    public let holder: String?
    /// The limits.
    public let limits: ReleaseLimits

    /// The resource whose releases are counted, or `nil` when those of all resources are.
    public var countedResource: String? { limits.scope == .resource ? resource : nil }

    /// The instance whose releases are counted for `maxReleases`, or `nil` for all.
    public var countedInstance: String? { limits.releases?.subject == .instance ? instance : nil }

    /// The tenant whose releases are counted for `maxReleases`, or `nil` for all.
    public var countedTenant: String? { limits.releases?.subject == .tenant ? tenant : nil }
}

/// What is charged for a release that policies with limits allow. It must be stored together with the decision, and only
/// while the limits still hold.
public struct LimitCharge: Sendable, Hashable {
    /// What is counted.
    public let demand: LimitDemand
    /// The ids of the approvals that were counted.
    public let approvals: [String]
}

/// What was counted for one demand.
public struct LimitUsage: Sendable, Hashable {
    /// Somebody's approval of this resource under this content of the policy, neither revoked nor spent nor over.
    public struct Approval: Sendable, Hashable {
        /// The approval's id.
        public let id: String
        /// Who gave it.
        public let approver: Approver
        /// The only instance it is meant for, if for one.
        public let instance: String?
        /// When it was given.
        public let givenAt: Date
        /// When it ends, whatever the policy says.
        public let expiresAt: Date

        /// An approval.
        public init(id: String, approver: Approver, instance: String?, givenAt: Date, expiresAt: Date) {
            self.id = id
            self.approver = approver
            self.instance = instance
            self.givenAt = givenAt
            self.expiresAt = expiresAt
        }
    }

    /// How many releases count for `maxReleases`, at most as many as there may be.
    public var releases: Int64 = 0
    /// When the first of them was.
    public var firstReleaseAt: Date?
    /// When this instance had its one release.
    public var onceAt: Date?
    /// How many others hold the resource.
    public var otherHolders: Int64 = 0
    /// When the first of them ceases to.
    public var firstHoldEndsAt: Date?
    /// How many seconds later than they say windows and leases end, so that clocks that differ release no more.
    public var clockTolerance: TimeInterval = 0
    /// The approvals there are.
    public var approvals: [Approval] = []
    /// How many approvals were given for another content of the policy.
    public var outdatedApprovals: Int64 = 0

    /// Nothing was released or approved yet.
    public init() {}
}
