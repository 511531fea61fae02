import Encodings

/// One document of the API group `claviger.dev`, policy or not, that was read without errors.
public struct ResourceDocument: Sendable {
    /// What kind of document it is.
    public let kind: ResourceKind
    /// The namespace, for kinds that have one.
    public let namespace: String?
    /// The name, unique within kind and namespace.
    public let name: String
    /// The content as JSON, with members as they were written.
    public let content: JSONValue
    /// Where the text came from: a file name, or a name that the caller chose.
    public let source: String
    /// Line of the source on which the document begins, counted from 1.
    public let line: Int
    /// What the document says.
    public let spec: ResourceSpec

    /// The name within a cluster, such as `BrokeredSecret/payments/database`; `-` stands for no namespace.
    public var identifier: String {
        "\(kind.rawValue)/\(namespace ?? "-")/\(name)"
    }

    /// The policy; `nil` for what is none.
    public var policy: PolicyDocument? {
        if case .policy(let document) = spec { return document }
        return nil
    }
}

/// What a document of the group says, by kind.
public enum ResourceSpec: Sendable {
    /// A policy.
    case policy(PolicyDocument)
    /// A `BrokeredSecret`.
    case brokeredSecret(BrokeredSecretSpec)
    /// An `AgentProfile`.
    case agentProfile(AgentProfileSpec)
    /// A `PolicyBundle`.
    case policyBundle(PolicyBundleSpec)
}
