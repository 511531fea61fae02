public import Encodings
import FoundationEssentials
public import KBSProtocol
import Logging
import Storage

/// Whose count is to be forgotten.
public struct LimitReset: Sendable, Hashable {
    /// The policy that counts, by identifier, such as `ReleasePolicy/payments/bootstrap-secret`.
    public let policy: String
    /// The instance as explanations show it: 64 lowercase hex digits.
    public let instance: String
    /// The one resource that was released; all when `nil`.
    public let path: ResourcePath?
    /// Why, in the person's words.
    public let reason: String

    /// A reset to be made.
    public init(policy: String, instance: String, path: ResourcePath?, reason: String) {
        self.policy = policy
        self.instance = instance
        self.path = path
        self.reason = reason
    }
}

extension Broker {
    private static let maximumResetTextBytes = 1_024

    /// Forgets the releases and holds that a policy with limits counted for one instance, so that it can be released to
    /// again, and records in the ledger who did it and why.
    ///
    /// Answers with how many were forgotten and the record's id. Throws `malformed` for a name that cannot be, `notFound` when
    /// nothing is counted; nothing is recorded then.
    public func resetLimits(_ reset: LimitReset, by author: String) async throws(BrokerError) -> JSONValue {
        let texts = [reset.policy, reset.reason]
        guard texts.allSatisfy({ $0.utf8.count <= Self.maximumResetTextBytes && !$0.utf8.contains(0) }) else {
            throw .malformed("LimitError", code: "too_long", "The policy or the reason is too long, or holds a NUL")
        }
        guard reset.reason.contains(where: { !$0.isWhitespace }) else {
            throw .malformed("LimitError", code: "no_reason", "A reset needs a reason")
        }
        guard reset.instance.utf8.count == 64, (try? Hex.decode(reset.instance)) != nil else {
            throw .malformed(
                "LimitError", code: "invalid_instance", "An instance is named by the 64 hex digits of an explanation")
        }
        let now = environment.clock.now()
        let id = DecisionRecord.makeID(at: now)
        let record = DecisionRecord(
            id: id, at: now, allowed: true, code: "limits_reset",
            reason: "\(author) made the policy forget what it counted for an instance: \(reset.reason)",
            operation: "reset", plugin: "limits", path: reset.path?.description ?? "", tenant: reset.path?.repository,
            bundleDigest: policies.latest.bundle.digest,
            trace: [
                "stage": "limits", "policy": .string(reset.policy), "instance": .string(reset.instance),
                "by": .string(author),
            ])
        let forgotten = try await storing { () async throws(StorageError) in
            try await releaseCounts.reset(
                policy: reset.policy, instance: reset.instance, path: reset.path?.description, record: record)
        }
        logger.notice("counted limits reset", metadata: ["decision": "\(id)", "by": "\(author)"])
        return ["releases": .int(forgotten.releases), "holds": .int(forgotten.holds), "decision": .string(id)]
    }
}
