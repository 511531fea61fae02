public import FoundationEssentials

/// Somebody who sends all his policies again and again, such as the controllers of a cluster, of which one leads.
public struct PolicySource: Sendable, Hashable {
    /// The most sources that there may be.
    public static let maximumCount = 64

    /// Its name.
    public let name: String
    /// The highest number with which a leader wrote; one with a lower number has been overtaken.
    public let fence: Int64
    /// How many documents it has.
    public let documents: Int
    /// When a fence, a document or an object was last changed, by the database's clock.
    public let updatedAt: Date
    /// Who did that.
    public let updatedBy: String

    /// The origin that documents of the source of this name have.
    public static func origin(_ name: String) -> String { originPrefix + name }

    /// The name of the source whose documents have this origin; nil for an origin that is no source.
    public static func name(ofOrigin origin: String) -> String? {
        origin.hasPrefix(originPrefix) ? String(origin.dropFirst(originPrefix.count)) : nil
    }

    private static let originPrefix = "source/"
}

/// What becomes of a source's documents.
public struct PolicySourceChange: Sendable {
    /// The source's name.
    public let source: String
    /// The number of the leader who writes.
    public let fence: Int64
    /// Documents that are new or changed.
    public let put: [NewPolicy]
    /// Names of documents that go.
    public let removed: Set<PolicyKey>
    /// Which object of the source each document that it has afterwards is, as far as the source says.
    public let uids: [PolicyKey: String]
    /// The number of the request within the leader's term; nil from a sender who does not count.
    public let sequence: Int64?

    /// A change from its parts.
    public init(
        source: String, fence: Int64, put: [NewPolicy], removed: Set<PolicyKey>, uids: [PolicyKey: String],
        sequence: Int64? = nil
    ) {
        self.source = source
        self.fence = fence
        self.put = put
        self.removed = removed
        self.uids = uids
        self.sequence = sequence
    }
}

extension PolicySnapshot {
    /// Who a document belongs to, as the seal says, whatever its row says; nil when there is none of that name.
    public func origin(of key: PolicyKey) -> String? { manifest?.entries[.policy(key)]?.label }

    /// The names of the documents of an origin, those included that somebody added past the brokers in its name.
    public func names(ofOrigin origin: String) -> Set<PolicyKey> {
        let sealed = manifest?.policies { $0 == origin } ?? []
        return sealed.union(policies.filter { $0.origin == origin && self.origin(of: $0.key) == nil }.map(\.key))
    }
}
