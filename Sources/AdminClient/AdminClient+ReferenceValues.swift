import Encodings

extension AdminClient {
    /// The reference values, registered ones and those of policy documents.
    ///
    /// - Throws: `AdminClientError`.
    public func referenceValues() async throws(AdminClientError) -> [JSONObject] {
        try await list(RequestTarget("/claviger/v1/reference-values"), member: "referenceValues")
    }

    /// Registers a reference value, replacing one of the same name.
    ///
    /// - Parameters:
    ///   - value: any JSON; the appraisal policies say what they expect, mostly an array of strings.
    ///   - expires: a time as RFC 3339 writes it from which on it counts no longer; nil for twelve months.
    /// - Throws: `AdminClientError`.
    public func putReferenceValue(
        _ name: String, _ value: JSONValue, expires: String? = nil
    ) async throws(AdminClientError) {
        let target = try RequestTarget("/claviger/v1/reference-values").appending(path: name)
        var body: JSONObject = ["value": value]
        body["expires"] = expires.map { .string($0) }
        _ = try await send("PUT", target, body: JSONValue.object(body).serialized(), contentType: "application/json")
    }

    /// Removes a reference value.
    ///
    /// - Throws: `AdminClientError`, `not_found` when there is none.
    public func deleteReferenceValue(_ name: String) async throws(AdminClientError) {
        _ = try await send(
            "DELETE", try RequestTarget("/claviger/v1/reference-values").appending(path: name))
    }

    /// What became of a reference value over time, the newest change first.
    ///
    /// - Throws: `AdminClientError`, `not_found` when there never was one.
    public func referenceValueHistory(_ name: String) async throws(AdminClientError) -> [JSONObject] {
        try await list(
            try RequestTarget("/claviger/v1/reference-value-history").appending(path: name), member: "history")
    }

    /// Registers several values in one message of the KBS protocol (type `sample`: a map from name to value).
    ///
    /// - Throws: `AdminClientError`.
    public func registerReferenceValues(_ values: JSONObject) async throws(AdminClientError) {
        let message: JSONValue = [
            "version": "0.1.0", "type": "sample", "payload": .string(Base64.encode(values.serialized())),
        ]
        _ = try await send(
            "POST", RequestTarget("/kbs/v0/reference-value"), body: message.serialized(),
            contentType: "application/json")
    }
}

// MARK: - Manifests and users

extension AdminClient {
    /// Has the broker take the values of a signed manifest over; the answer says whose it is and what became of it.
    ///
    /// - Parameter dryRun: The broker only says what it would do.
    /// - Throws: `AdminClientError`, `denied` when signature or grant are missing, `conflict` for an older version.
    public func importReferenceManifest(
        _ manifest: [UInt8], dryRun: Bool
    ) async throws(AdminClientError) -> JSONObject {
        let value = try await json(
            "POST", RequestTarget("/claviger/v1/reference-manifests").asking("dryRun", dryRun ? "true" : nil),
            body: manifest, contentType: "application/octet-stream")
        guard let object = value.objectValue else {
            throw AdminClientError(.unexpected, "the broker's answer is no account of an import")
        }
        return object
    }

    /// The manifests whose values the broker took over.
    ///
    /// - Throws: `AdminClientError`.
    public func referenceManifests() async throws(AdminClientError) -> [JSONObject] {
        try await list(RequestTarget("/claviger/v1/reference-manifests"), member: "manifests")
    }

    /// The measurements that guests showed, the newest first.
    ///
    /// - Throws: `AdminClientError`.
    public func measurements() async throws(AdminClientError) -> [JSONObject] {
        try await list(RequestTarget("/claviger/v1/measurements"), member: "measurements")
    }

    /// The policies that ask for a reference value.
    ///
    /// - Throws: `AdminClientError`.
    public func referenceValueUsers(_ name: String) async throws(AdminClientError) -> [JSONObject] {
        try await list(
            try RequestTarget("/claviger/v1/reference-value-users").appending(path: name), member: "users")
    }
}
