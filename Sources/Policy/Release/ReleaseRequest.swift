import FoundationEssentials
import RATS

/// What somebody wants, and what is known about who wants it.
public struct ReleaseRequest: Sendable {
    /// The operation, such as `get`.
    public let operation: String
    /// The plugin, such as `resource`.
    public let plugin: String
    /// The path within the plugin, segment by segment, exactly as it was received; also the key of the resource.
    public let path: [String]
    /// The query of the request.
    public let query: [String: String]
    /// Who wants it.
    public let subject: ReleaseSubject
    /// How the attestation's grades came about, if that is still known; only used to explain and to name reasons.
    public let appraisals: [AppraisalTrace]
    /// The present time.
    public let now: Date

    /// A request with everything that a decision may depend on.
    public init(
        operation: String, plugin: String = "resource", path: [String], query: [String: String] = [:],
        subject: ReleaseSubject, appraisals: [AppraisalTrace] = [], now: Date
    ) {
        self.operation = operation
        self.plugin = plugin
        self.path = path
        self.query = query
        self.subject = subject
        self.appraisals = appraisals
        self.now = now
    }

    /// A request of somebody who asks only once.
    public init(
        operation: String, plugin: String = "resource", path: [String], query: [String: String] = [:],
        attestation: AttestationResult, appraisals: [AppraisalTrace] = [], now: Date
    ) {
        self.init(
            operation: operation, plugin: plugin, path: path, query: query, subject: ReleaseSubject(attestation),
            appraisals: appraisals, now: now)
    }

    /// The verified attestation result.
    public var attestation: AttestationResult { subject.attestation }

    /// The first segment of the path: the tenant that the resource belongs to.
    public var tenant: String { path.first ?? "" }

    /// Seconds since the attestation result was issued; negative for a result from the future.
    var evidenceAge: TimeInterval {
        now.timeIntervalSince(attestation.issuedAt)
    }

    var summary: String {
        "\(operation) \(plugin)/\(path.joined(separator: "/"))"
    }
}
