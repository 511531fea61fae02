import Encodings

extension AdminClient {
    /// What is approved; nil members are left to the broker.
    public struct ApprovalRequest: Sendable, Hashable {
        /// The resource that may be released, `repository/type/tag`.
        public var resource: String
        /// The policy that asks for the approval, such as `ReleasePolicy/payments/image-keys`.
        public var policy: String?
        /// The digest that the policy must have, as lists and explanations show it; any content when nil.
        public var policyDigest: String?
        /// The one instance that it is meant for, as explanations show it.
        public var instance: String?
        /// When it ends, as an RFC 3339 time.
        public var expires: String?
        /// Why.
        public var reason: String?

        /// An approval of one resource.
        public init(
            resource: String, policy: String? = nil, policyDigest: String? = nil, instance: String? = nil,
            expires: String? = nil, reason: String? = nil
        ) {
            self.resource = resource
            self.policy = policy
            self.policyDigest = policyDigest
            self.instance = instance
            self.expires = expires
            self.reason = reason
        }
    }

    /// Approves releases of a resource, as the person that the admin token names.
    ///
    /// - Throws: `AdminClientError`: `not_found` when no policy asks for it, `denied` when this person's approval does not
    ///   count, `conflict` when it was given already, or the policy has another digest.
    public func approve(_ request: ApprovalRequest) async throws(AdminClientError) -> JSONValue {
        var body: JSONObject = ["resource": .string(request.resource)]
        let others = [
            ("policy", request.policy), ("policyDigest", request.policyDigest), ("instance", request.instance),
            ("expires", request.expires), ("reason", request.reason),
        ]
        for (name, value) in others { if let value { body[name] = .string(value) } }
        return try await json(
            "POST", RequestTarget("/claviger/v1/approvals"), body: body.serialized(), contentType: "application/json")
    }

    /// Approvals, the newest first; of one resource, and only those that stand, where asked.
    ///
    /// - Throws: `AdminClientError`.
    public func approvals(
        resource: String? = nil, standing: Bool = false
    ) async throws(AdminClientError) -> [JSONObject] {
        let target = RequestTarget("/claviger/v1/approvals").asking("path", resource)
            .asking("standing", standing ? "true" : nil)
        return try await list(target, member: "approvals")
    }

    /// Takes an approval back.
    ///
    /// - Throws: `AdminClientError`, `not_found` when none of this id stands.
    public func revokeApproval(_ id: String) async throws(AdminClientError) {
        _ = try await send("DELETE", RequestTarget("/claviger/v1/approvals").appending(id))
    }
}
