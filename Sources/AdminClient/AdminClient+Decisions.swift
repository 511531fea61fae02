import Encodings

extension AdminClient {
    /// Which decisions of the ledger are asked for; nil members do not filter.
    public struct DecisionFilter: Sendable, Hashable {
        /// How many at most, the newest first.
        public var limit: Int?
        /// Only those about resources of this tenant: of this repository, which is a cluster's namespace.
        public var tenant: String?
        /// Only those about this resource path.
        public var path: String?
        /// Only allowed or only denied ones.
        public var allowed: Bool?
        /// Only those made before the decision of this id: the last of the page before.
        public var before: String?
        /// Whether each comes with its trace and the claims that were judged.
        public var withClaims: Bool

        /// A filter.
        public init(
            limit: Int? = nil, tenant: String? = nil, path: String? = nil, allowed: Bool? = nil,
            before: String? = nil, withClaims: Bool = false
        ) {
            self.limit = limit
            self.tenant = tenant
            self.path = path
            self.allowed = allowed
            self.before = before
            self.withClaims = withClaims
        }
    }

    /// Decisions of the ledger, the newest first.
    ///
    /// - Throws: `AdminClientError`.
    public func decisions(_ filter: DecisionFilter = DecisionFilter()) async throws(AdminClientError) -> [JSONObject] {
        // The tenant comes first, so that an access rule can begin with it.
        let target = RequestTarget("/claviger/v1/decisions").asking("tenant", filter.tenant)
            .asking("limit", filter.limit.map { String($0) })
            .asking("path", filter.path).asking("allowed", filter.allowed.map { String($0) })
            .asking("before", filter.before).asking("claims", filter.withClaims ? "true" : nil)
        return try await list(target, member: "decisions")
    }

    /// One decision with its trace.
    ///
    /// - Throws: `AdminClientError`, `not_found` when there is none of this id.
    public func decision(_ id: String) async throws(AdminClientError) -> JSONValue {
        try await json("GET", RequestTarget("/claviger/v1/decisions").appending(id))
    }
}
