import Encodings

/// One policy document that was read without errors.
///
/// Documents are equal when their canonical content is equal; comments and layout do not count.
public struct PolicyDocument: Sendable, Hashable {
    /// The API group and version that documents must name.
    public static let apiVersion = "claviger.dev/v1alpha1"

    /// What kind of document it is.
    public let kind: PolicyKind
    /// The namespace (the tenant, the first segment of its resources), for kinds that have one.
    public let namespace: String?
    /// The name, unique within kind and namespace.
    public let name: String
    /// The YAML text of this document alone, as it was written.
    public let text: String
    /// The content as JSON, with members as they were written.
    public let content: JSONValue
    /// SHA-256 over the canonical JSON (RFC 8785) of the content, in lowercase hex.
    public let digest: String
    /// Where the text came from: a file name, or a name that the caller chose.
    public let source: String
    /// Line of the source on which the document begins, counted from 1.
    public let line: Int
    /// What the document says.
    public let spec: PolicySpec

    /// The name within a cluster, such as `ReleasePolicy/payments/image-keys`; `-` stands for no namespace.
    public var identifier: String {
        "\(kind.rawValue)/\(namespace ?? "-")/\(name)"
    }

    /// Whether both documents say the same.
    public static func == (left: PolicyDocument, right: PolicyDocument) -> Bool {
        left.digest == right.digest && left.content == right.content
    }

    /// Hashes the digest.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(digest)
    }
}

/// What a document says, by kind.
public enum PolicySpec: Sendable {
    /// A `ReleasePolicy` or `ClusterReleasePolicy`.
    case release(ReleasePolicySpec)
    /// An `AppraisalPolicy`.
    case appraisal(AppraisalPolicySpec)
    /// A `ReferenceValues` document.
    case referenceValues(ReferenceValuesSpec)
}
