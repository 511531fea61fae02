public import Encodings

extension AdminClient {
    /// What a source wants a brokered secret to be.
    public struct SecretChange: Sendable {
        /// A number that never falls; the broker refuses one that is smaller than the last it saw of the source.
        public let fence: Int64
        /// The object's identity, which no other object ever has.
        public let uid: String
        /// The object's generation: grows with each change of what it says.
        public let generation: Int64
        /// The object's `spec`.
        public let spec: JSONValue
        /// The value, only for an object that says `secretRef`.
        public let value: SecretBytes?
        /// The number of the request: bigger than that of every earlier one of this leader about the object.
        public let sequence: Int64?

        /// A change.
        public init(
            fence: Int64, uid: String, generation: Int64, spec: JSONValue, value: SecretBytes? = nil,
            sequence: Int64? = nil
        ) {
            self.fence = fence
            self.uid = uid
            self.generation = generation
            self.spec = spec
            self.value = value
            self.sequence = sequence
        }
    }

    /// Has a brokered secret made, taken over or changed; nothing happens when it is so already.
    ///
    /// - Returns: `uri`, `currentVersion`, `contentMAC`, `rotatedAt`, `nextRotation` and `policyAttached`.
    /// - Throws: `AdminClientError`: `conflict` when a newer fence was seen or the resource belongs to somebody else.
    public func putSecret(
        source: String, namespace: String, name: String, _ change: SecretChange
    ) async throws(AdminClientError) -> JSONValue {
        var body: JSONObject = [
            "fence": .int(change.fence), "uid": .string(change.uid), "generation": .int(change.generation),
            "spec": change.spec,
        ]
        body["sequence"] = change.sequence.map { .int($0) }
        if let value = change.value { body["value"] = .string(Base64.encode(value.copyBytes())) }
        return try await json(
            "PUT", Self.secretTarget(source, namespace, name), body: body.serialized(), contentType: "application/json")
    }

    /// Lets go of a brokered secret. That there is none is no error.
    ///
    /// - Parameters:
    ///   - deletionPolicy: `Retain` or `Delete`; nil for what the object said last.
    ///   - sequence: as in ``SecretChange/sequence``.
    /// - Returns: `uri`, `removed`, and in `destroyed` whether the resource's versions were destroyed.
    /// - Throws: `AdminClientError`, as ``putSecret(source:namespace:name:_:)``.
    public func deleteSecret(
        source: String, namespace: String, name: String, fence: Int64, uid: String, deletionPolicy: String? = nil,
        sequence: Int64? = nil
    ) async throws(AdminClientError) -> JSONValue {
        let target = try Self.secretTarget(source, namespace, name).asking("fence", String(fence)).asking("uid", uid)
            .asking("deletionPolicy", deletionPolicy).asking("sequence", sequence.map { String($0) })
        return try await json("DELETE", target)
    }

    /// The public keys (RFC 7517) to which values are sealed before they go to the broker, the current one first. Needs no
    /// token.
    ///
    /// - Throws: `AdminClientError`.
    public func sealingKeys() async throws(AdminClientError) -> JSONValue {
        try await json("GET", RequestTarget("/claviger/v1/sealing-keys"))
    }

    /// Makes a new key the one to seal to.
    ///
    /// - Throws: `AdminClientError`.
    public func rotateSealingKey() async throws(AdminClientError) -> JSONValue {
        try await json("POST", RequestTarget("/claviger/v1/sealing-keys/rotate"))
    }

    private static func secretTarget(
        _ source: String, _ namespace: String, _ name: String
    ) throws(AdminClientError) -> RequestTarget {
        try RequestTarget("/claviger/v1/sources").appending(source).appending("secrets").appending(namespace)
            .appending(name)
    }
}
