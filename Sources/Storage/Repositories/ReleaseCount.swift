import FoundationEssentials

/// What is counted for one policy with limits, and up to which numbers.
public struct ReleaseCount: Sendable, Hashable {
    /// A greatest number of releases.
    public struct Releases: Sendable, Hashable {
        /// The greatest number.
        public let maximum: Int64
        /// Only releases of this instance count; those of all when nil.
        public let instance: String?
        /// Only releases of this tenant's resources count; those of all when nil.
        public let tenant: String?
        /// Only releases of the last so many seconds count; all when nil.
        public let window: Int64?

        /// A greatest number with what it is counted over.
        public init(maximum: Int64, instance: String?, tenant: String?, window: Int64?) {
            self.maximum = maximum
            self.instance = instance
            self.tenant = tenant
            self.window = window
        }
    }

    /// A greatest number of holders.
    public struct Holds: Sendable, Hashable {
        /// The greatest number.
        public let maximum: Int64
        /// Who asks.
        public let holder: String
        /// How many seconds a hold lasts.
        public let lease: Int64

        /// A greatest number with who asks.
        public init(maximum: Int64, holder: String, lease: Int64) {
            self.maximum = maximum
            self.holder = holder
            self.lease = lease
        }
    }

    /// The policy's identifier.
    public let policy: String
    /// The path that is released.
    public let path: String
    /// The tenant of the path.
    public let tenant: String
    /// Whether releases of this path alone are counted, or those of all paths.
    public let isPerPath: Bool
    /// The instance that asks, if it is known.
    public let instance: String?
    /// How many releases there may be.
    public let releases: Releases?
    /// Whether the instance may have one release only.
    public let isOnce: Bool
    /// How many may hold the path.
    public let holds: Holds?

    /// What is counted, from its parts.
    public init(
        policy: String, path: String, tenant: String, isPerPath: Bool, instance: String?, releases: Releases?,
        isOnce: Bool, holds: Holds?
    ) {
        self.policy = policy
        self.path = path
        self.tenant = tenant
        self.isPerPath = isPerPath
        self.instance = instance
        self.releases = releases
        self.isOnce = isOnce
        self.holds = holds
    }

    /// What two releases that are counted together have in common: only one of them goes on at a time.
    var lock: String { "\(policy.utf8.count):\(policy)\(isPerPath ? path : "")" }
    /// What a release that is counted by its path shares with all others of the policy: while the policy's scope is being
    /// changed, one broker may still count by path what another counts for the whole policy.
    var sharedLock: String? { isPerPath ? "\(policy.utf8.count):\(policy)" : nil }
    var countedPath: SQLValue { isPerPath ? .text(path) : .null }
    var heldPath: String { isPerPath ? path : "" }
}

/// How far limits were used at one moment.
public struct ReleaseUsage: Sendable, Hashable {
    /// How many releases count, at most the greatest number.
    public let releases: Int64
    /// When the first of those was.
    public let firstReleaseAt: Date?
    /// When the instance had its one release.
    public let onceAt: Date?
    /// How many others hold the path.
    public let otherHolders: Int64
    /// When the first of those holds ends.
    public let firstHoldEndsAt: Date?
}

/// A release that is to be counted: under which policy, and which approvals it was allowed by.
public struct ReleaseGrant: Sendable, Hashable {
    /// What is counted.
    public let count: ReleaseCount
    /// The approvals that must still hold.
    public let approvals: [String]
    /// Whether they are spent.
    public let spendsApprovals: Bool

    /// A grant from its parts.
    public init(count: ReleaseCount, approvals: [String], spendsApprovals: Bool) {
        self.count = count
        self.approvals = approvals
        self.spendsApprovals = spendsApprovals
    }
}
