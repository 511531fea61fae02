/// What a release policy asks of the releases before this one and of the people who approve it.
public struct ReleaseLimits: Sendable, Hashable {
    /// What releases are counted over.
    public enum Scope: String, Sendable, Hashable, CaseIterable {
        /// Each resource by itself.
        case resource
        /// All resources that are released under the policy, together.
        case policy
    }

    /// Whose releases are counted together.
    public enum Subject: String, Sendable, Hashable, CaseIterable {
        /// Those of one instance; see ``InstanceIdentity``.
        case instance
        /// Those of resources of one tenant.
        case tenant
        /// Everybody's.
        case all
    }

    /// A greatest number of releases.
    public struct Count: Sendable, Hashable {
        /// How many releases there may be.
        public let maximum: Int64
        /// Whose releases are counted together.
        public let subject: Subject
        /// Only releases of the last so many seconds count; all that ever were when `nil`.
        public let window: Int64?
    }

    /// A greatest number of holders at a time.
    public struct Holders: Sendable, Hashable {
        /// How many may hold a resource at a time.
        public let maximum: Int64
        /// How many seconds a holder counts after its last fetch.
        public let lease: Int64
    }

    /// People who have to agree.
    public struct Approvals: Sendable, Hashable {
        /// How many different people.
        public let required: Int
        /// Roles of which they are, and
        public let roles: [String]
        /// people by name (`subject@issuer`); somebody of either may approve, anybody when both are empty.
        public let principals: [String]
        /// How many seconds an approval counts at most.
        public let validFor: Int64
        /// Whether an approval is spent by the release that it allowed.
        public let isSingleUse: Bool

        /// Whether somebody's approval counts.
        public func accepts(_ approver: Approver) -> Bool {
            (roles.isEmpty && principals.isEmpty) || roles.contains(approver.role)
                || principals.contains(approver.name)
        }
    }

    /// What ``releases``, ``isOncePerInstance`` and ``holders`` are counted over.
    public let scope: Scope
    /// How many releases there may be.
    public let releases: Count?
    /// Whether each instance gets one release, ever.
    public let isOncePerInstance: Bool
    /// How many may hold a resource at a time.
    public let holders: Holders?
    /// Who has to agree.
    public let approvals: Approvals?

    /// Whether it must be known which instance asks.
    public var namesInstance: Bool { releases?.subject == .instance || isOncePerInstance || holders != nil }
}

/// Somebody who approves releases.
public struct Approver: Sendable, Hashable {
    /// Who vouches for the person.
    public let issuer: String
    /// The person, as the issuer knows it.
    public let subject: String
    /// In which role the approval was given.
    public let role: String

    /// A person as an admin token names it.
    public init(issuer: String, subject: String, role: String) {
        self.issuer = issuer
        self.subject = subject
        self.role = role
    }

    /// The person, whatever the role: `subject@issuer`.
    public var name: String { "\(subject)@\(issuer)" }
}
