public import Encodings

extension AdminClient {
    /// Makes a policy with limits forget what it counted for one instance; the ledger records who did it and why.
    ///
    /// - Parameters:
    ///   - policy: The policy's identifier, such as `ReleasePolicy/payments/bootstrap-secret`.
    ///   - instance: The instance as explanations show it, 64 hex digits.
    ///   - resource: The one resource that was released; all when nil.
    /// - Returns: how many `releases` and `holds` were forgotten, and the id of the record (`decision`).
    /// - Throws: `AdminClientError`, `not_found` when nothing is counted.
    public func resetLimits(
        policy: String, instance: String, resource: String? = nil, reason: String
    ) async throws(AdminClientError) -> JSONValue {
        var body: JSONObject = [
            "policy": .string(policy), "instance": .string(instance), "reason": .string(reason),
        ]
        body["resource"] = resource.map { .string($0) }
        return try await json(
            "POST", RequestTarget("/claviger/v1/limits/reset"), body: body.serialized(),
            contentType: "application/json")
    }
}
