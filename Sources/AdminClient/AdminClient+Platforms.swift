public import Encodings

extension AdminClient {
    /// What firmware the broker remembers of each machine: all of them, page by page, ordered by `id`.
    ///
    /// - Throws: `AdminClientError`.
    public func platforms() async throws(AdminClientError) -> [JSONObject] {
        var platforms: [JSONObject] = []
        while true {
            let target = RequestTarget("/claviger/v1/platforms").asking("after", platforms.last?["id"]?.stringValue)
            let page = try await json("GET", target)
            guard let list = page["platforms"]?.arrayValue else {
                throw AdminClientError(.unexpected, "the broker's answer has no list of machines")
            }
            platforms += list.compactMap(\.objectValue)
            guard page["more"] == true, !list.isEmpty else { return platforms }
        }
    }

    /// Makes the broker forget what firmware a machine had; the ledger records who did it and why.
    ///
    /// - Parameters:
    ///   - id: The machine as explanations show it, 64 hex digits.
    ///   - reason: Why.
    /// - Returns: the id of the record (`decision`).
    /// - Throws: `AdminClientError`, `not_found` when nothing is remembered of it.
    public func forgetPlatform(_ id: String, reason: String) async throws(AdminClientError) -> JSONValue {
        let body: JSONObject = ["platform": .string(id), "reason": .string(reason)]
        return try await json(
            "POST", RequestTarget("/claviger/v1/platforms/forget"), body: body.serialized(),
            contentType: "application/json")
    }
}
