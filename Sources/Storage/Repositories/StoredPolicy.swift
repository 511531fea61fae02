import FoundationEssentials

/// The name of a policy document: kind, namespace (nil for cluster scope) and name.
public struct PolicyKey: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The kind, for instance `ReleasePolicy`.
    public let kind: String
    /// The namespace; nil for cluster scope.
    public let namespace: String?
    /// The name.
    public let name: String

    /// A name from its parts; an empty namespace counts as none.
    public init(kind: String, namespace: String?, name: String) {
        self.kind = kind
        self.namespace = namespace == "" ? nil : namespace
        self.name = name
    }

    /// Kind, namespace (if any) and name with slashes between them.
    public var description: String { ([kind] + (namespace.map { [$0] } ?? []) + [name]).joined(separator: "/") }

    /// Ordered by kind, namespace and name.
    public static func < (left: PolicyKey, right: PolicyKey) -> Bool {
        (left.kind, left.namespace ?? "", left.name) < (right.kind, right.namespace ?? "", right.name)
    }
}

/// A policy document to be stored.
public struct NewPolicy: Sendable, Hashable {
    /// Its name.
    public let key: PolicyKey
    /// The document's own YAML text.
    public let text: String
    /// The document's digest, lower-case hex.
    public let digest: String

    /// A document from its parts.
    public init(key: PolicyKey, text: String, digest: String) {
        self.key = key
        self.text = text
        self.digest = digest
    }
}

/// A policy document as it is in force.
public struct StoredPolicy: Sendable, Hashable {
    /// Its name.
    public let key: PolicyKey
    /// The document's own YAML text.
    public let text: String
    /// The document's digest, lower-case hex.
    public let digest: String
    /// Where it came from: the route, file or cluster that owns it.
    public let origin: String
    /// The generation that its last change made.
    public let generation: Int64
    /// When it was last changed, by the database's clock.
    public let updatedAt: Date
    /// Who changed it last.
    public let updatedBy: String
}

/// One change of a policy document or reference value.
public struct PolicyChange: Sendable, Hashable {
    /// What was done.
    public enum Change: String, Sendable, Hashable {
        /// Stored, new or again.
        case put
        /// Removed.
        case delete
    }

    /// The generation that the change made.
    public let generation: Int64
    /// What was done.
    public let change: Change
    /// The document's name.
    public let key: PolicyKey
    /// The text that was stored; nil for a removal.
    public let text: String?
    /// The digest of what was stored; nil for a removal and for a reference value.
    public let digest: String?
    /// Where the change came from.
    public let origin: String
    /// When, by the database's clock.
    public let changedAt: Date
    /// Who.
    public let changedBy: String
}
