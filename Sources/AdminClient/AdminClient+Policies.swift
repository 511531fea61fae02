import Encodings

extension AdminClient {
    /// The stored policies, without their texts.
    ///
    /// - Throws: `AdminClientError`.
    public func policies() async throws(AdminClientError) -> [PolicyRecord] {
        try await list(RequestTarget("/claviger/v1/policies"), member: "policies").map { PolicyRecord(json: $0) }
    }

    /// One policy with its text.
    ///
    /// - Parameters:
    ///   - namespace: nil for policies of the whole cluster.
    /// - Throws: `AdminClientError`, `not_found` when there is none.
    public func policy(kind: String, namespace: String?, name: String) async throws(AdminClientError) -> PolicyRecord {
        let value = try await json("GET", Self.policyTarget(kind, namespace, name))
        guard let object = value.objectValue else {
            throw AdminClientError(.unexpected, "the broker's answer is no policy")
        }
        return PolicyRecord(json: object)
    }

    /// Which policies decide on each broker, and the signed bundles among them.
    ///
    /// - Throws: `AdminClientError`.
    public func policyStatus() async throws(AdminClientError) -> JSONValue {
        try await json("GET", RequestTarget("/claviger/v1/policies/status"))
    }

    /// Checks and stores a signed bundle in place of the older one of its name.
    ///
    /// - Parameters:
    ///   - bundle: the file's bytes.
    ///   - dryRun: only checks, against what is stored.
    /// - Returns: the broker's answer: the bundle, and what became or would become of each document.
    /// - Throws: `AdminClientError`: `denied` when signatures are missing or wrong, `conflict` when the bundle is too old.
    public func applyBundle(_ bundle: [UInt8], dryRun: Bool = false) async throws(AdminClientError) -> JSONValue {
        try await json(
            "POST", RequestTarget("/claviger/v1/policies").asking("dryRun", dryRun ? "true" : nil),
            body: bundle, contentType: "application/json")
    }

    /// Checks and stores a stream of YAML documents: all of them or none.
    ///
    /// - Parameters:
    ///   - dryRun: only checks, against what is stored.
    /// - Returns: the broker's answer: what was or would be created, changed or left as it was.
    /// - Throws: `AdminClientError`, `invalid` with the broker's diagnostics as message.
    public func applyPolicies(yaml: String, dryRun: Bool = false) async throws(AdminClientError) -> JSONValue {
        try await json(
            "POST", RequestTarget("/claviger/v1/policies").asking("dryRun", dryRun ? "true" : nil),
            body: Array(yaml.utf8), contentType: "application/yaml")
    }

    /// Removes a policy.
    ///
    /// - Throws: `AdminClientError`, `not_found` when there is none.
    public func deletePolicy(kind: String, namespace: String?, name: String) async throws(AdminClientError) {
        _ = try await send("DELETE", Self.policyTarget(kind, namespace, name))
    }

    /// The former texts of a policy, as the broker tells them.
    ///
    /// - Throws: `AdminClientError`.
    public func policyHistory(
        kind: String, namespace: String?, name: String
    ) async throws(AdminClientError) -> [JSONObject] {
        try await list(Self.policyTarget(kind, namespace, name).appending("history"), member: "history")
    }

    private static func policyTarget(
        _ kind: String, _ namespace: String?, _ name: String
    ) throws(AdminClientError) -> RequestTarget {
        try RequestTarget("/claviger/v1/policies").appending(kind).appending(namespace ?? "-").appending(name)
    }
}

/// A stored policy as the broker tells it.
public struct PolicyRecord: Sendable, Hashable {
    /// The whole answer.
    public let json: JSONObject

    /// A policy from an answer of the broker.
    public init(json: JSONObject) { self.json = json }

    /// The policy's kind, for example `ReleasePolicy`.
    public var kind: String { json["kind"]?.stringValue ?? "" }
    /// The namespace; nil for policies of the whole cluster.
    public var namespace: String? {
        guard let namespace = json["namespace"]?.stringValue, !namespace.isEmpty, namespace != "-" else { return nil }
        return namespace
    }
    /// The name within kind and namespace.
    public var name: String { json["name"]?.stringValue ?? "" }
    /// `KIND/NAMESPACE/NAME`, `-` for no namespace.
    public var identifier: String { "\(kind)/\(namespace ?? "-")/\(name)" }
    /// SHA-256 (hex) of the document's canonical JSON.
    public var digest: String { json["digest"]?.stringValue ?? "" }
    /// Where it came from: `admin`, `resource-policy`, `bundle/NAME`, `source/NAME` and so on.
    public var origin: String { json["origin"]?.stringValue ?? "" }
    /// Whether it came in a signed bundle.
    public var isOfBundle: Bool { origin.hasPrefix("bundle/") }
    /// Whether it belongs to a source, such as a cluster's controller, which alone changes and removes it.
    public var isOfSource: Bool { origin.hasPrefix("source/") }
    /// The YAML text; nil in lists.
    public var text: String? { json["text"]?.stringValue }
}
