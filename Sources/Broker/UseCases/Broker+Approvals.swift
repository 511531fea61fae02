public import Encodings
import FoundationEssentials
public import KBSProtocol
import Logging
import Policy
import Storage

/// A person who administrates, as a verified admin token names him.
public struct Administrator: Sendable, Hashable {
    /// Who vouches for the person.
    public let issuer: String
    /// The person, as the issuer knows him.
    public let subject: String
    /// In which role he acts.
    public let role: String

    /// A person from a token's claims.
    public init(issuer: String, subject: String, role: String) {
        self.issuer = issuer
        self.subject = subject
        self.role = role
    }

    /// How the person is signed in histories: who, vouched for by whom, in which role.
    public var recordedName: String { "\(subject)@\(issuer) (\(role))" }

    fileprivate var approver: Approver { Approver(issuer: issuer, subject: subject, role: role) }
}

/// What somebody approves.
public struct ApprovalRequest: Sendable, Hashable {
    /// The resource that may be released.
    public let path: ResourcePath
    /// The policy that asks for the approval, by identifier; may be left out when only one does.
    public let policy: String?
    /// The digest that the policy must have: that of the content that the person saw; any content when `nil`.
    public let policyDigest: String?
    /// The one instance that the approval is meant for, as explanations show it; all when `nil`.
    public let instance: String?
    /// When the approval ends, as an RFC 3339 time; at the end of what the policy allows when `nil`.
    public let expires: String?
    /// Why, in the person's words.
    public let reason: String

    /// An approval to be given.
    public init(
        path: ResourcePath, policy: String?, policyDigest: String? = nil, instance: String?, expires: String?,
        reason: String
    ) {
        self.path = path
        self.policy = policy
        self.policyDigest = policyDigest
        self.instance = instance
        self.expires = expires
        self.reason = reason
    }
}

extension Broker {
    private static let maximumReasonBytes = 1_024
    private static let listedApprovals = 1_000

    /// Gives a person's approval for releases of one resource under the present content of one policy.
    ///
    /// Answers with the approval. Throws `notFound` when no policy asks for approvals of this resource, `denied` when the
    /// policy does not count this person's, `malformed` for a time that cannot be, `conflict` when the person's approval
    /// stands already, or (code `policy_changed`) when the policy is not the one that the person saw.
    public func approve(
        _ request: ApprovalRequest, by administrator: Administrator
    ) async throws(BrokerError) -> JSONValue {
        let now = environment.clock.now()
        let policy = try await approvablePolicy(request)
        guard policy.approvals.accepts(administrator.approver) else {
            throw BrokerError(
                kind: .denied, variant: "ApprovalError", code: "not_an_approver",
                message: "\(policy.identifier) does not count approvals by \(administrator.recordedName)")
        }
        guard request.policyDigest.map({ $0 == policy.digest }) ?? true else {
            throw BrokerError(
                kind: .conflict, variant: "ApprovalError", code: "policy_changed",
                message:
                    "\(policy.identifier) has the digest \(policy.digest) by now (code: policy_changed): look at it again"
            )
        }
        guard request.reason.utf8.count <= Self.maximumReasonBytes, !request.reason.utf8.contains(0) else {
            throw Self.refusedApproval("too_long", "The reason is too long, or holds a NUL character")
        }
        let id = DecisionRecord.makeID(at: now)
        let approval = StoredApproval(
            id: id, policy: policy.identifier, policyDigest: policy.digest, path: request.path.description,
            issuer: administrator.issuer, subject: administrator.subject, role: administrator.role,
            instance: try Self.instance(request.instance), reason: request.reason, givenAt: now,
            expiresAt: try Self.end(request.expires, policy, now))
        try await storing { () async throws(StorageError) in try await approvals.give(approval) }
        logger.notice(
            "release approved",
            metadata: [
                "approval": "\(id)", "policy": "\(policy.identifier)", "by": "\(administrator.recordedName)",
            ])
        return .object(approval.json(at: now))
    }

    /// Approvals, the newest first: `{"approvals": […]}`; of one resource, and only those that stand, where asked.
    public func approvalList(path: String?, standing: Bool) async throws(BrokerError) -> JSONValue {
        let now = environment.clock.now()
        let list = try await storing { () async throws(StorageError) in
            try await approvals.list(path: path, standingAt: standing ? now : nil, limit: Self.listedApprovals)
        }
        return ["approvals": .array(list.map { .object($0.json(at: now)) })]
    }

    /// Takes an approval back, also one of somebody else; throws `notFound` when none of that id stands.
    public func revokeApproval(_ id: String, by administrator: Administrator) async throws(BrokerError) {
        let now = environment.clock.now()
        let existed = try await storing { () async throws(StorageError) in
            try await approvals.revoke(id: id, at: now, by: administrator.recordedName)
        }
        guard existed else {
            throw .notFound("ApprovalNotFound", "There is no approval of this id that is not spent or taken back")
        }
        logger.notice(
            "approval taken back", metadata: ["approval": "\(id)", "by": "\(administrator.recordedName)"])
    }

    private func approvablePolicy(_ request: ApprovalRequest) async throws(BrokerError) -> ApprovablePolicy {
        let candidates = try await policies.current().bundle.approvablePolicies(for: request.path.segments)
        if let wanted = request.policy {
            guard let policy = candidates.first(where: { $0.identifier == wanted }) else {
                throw .notFound("ApprovalError", "No policy of this name asks for approvals of this resource")
            }
            return policy
        }
        guard let policy = candidates.first else {
            throw .notFound("ApprovalError", "No policy asks for approvals of this resource")
        }
        guard candidates.count == 1 else {
            throw Self.refusedApproval(
                "ambiguous_policy",
                "Several policies ask for approvals of this resource; name one: "
                    + candidates.map(\.identifier).joined(separator: ", "))
        }
        return policy
    }

    private static func end(
        _ text: String?, _ policy: ApprovablePolicy, _ now: Date
    ) throws(BrokerError) -> Date {
        let latest = now.addingTimeInterval(TimeInterval(policy.approvals.validFor))
        guard let text else { return latest }
        guard let date = try? Date(text, strategy: .iso8601), date > now, date <= latest else {
            throw refusedApproval(
                "invalid_time", "`expires` must be a time in the future and not after \(latest.rfc3339)")
        }
        return date
    }

    private static func instance(_ text: String?) throws(BrokerError) -> String? {
        guard let text else { return nil }
        guard text.utf8.count == 64, (try? Hex.decode(text)) != nil, text == text.lowercased() else {
            throw refusedApproval("invalid_instance", "An instance is named by the 64 hex digits of an explanation")
        }
        return text
    }

    private static func refusedApproval(_ code: String, _ message: String) -> BrokerError {
        .malformed("ApprovalError", code: code, message)
    }
}

extension StoredApproval {
    fileprivate func json(at now: Date) -> JSONObject {
        [
            "id": .string(id), "resource": .string(path), "policy": .string(policy),
            "policyDigest": .string(policyDigest), "approvedBy": .string("\(subject)@\(issuer)"),
            "role": .string(role), "instance": .optional(instance), "reason": .string(reason),
            "givenAt": .string(givenAt.rfc3339), "expiresAt": .string(expiresAt.rfc3339), "state": .string(state(now)),
            "revokedAt": .optional(revokedAt?.rfc3339), "revokedBy": .optional(revokedBy),
            "usedAt": .optional(usedAt?.rfc3339), "usedBy": .optional(usedBy),
        ]
    }

    private func state(_ now: Date) -> String {
        if usedBy != nil { return "used" }
        if revokedAt != nil { return "revoked" }
        return expiresAt <= now ? "expired" : "standing"
    }
}
