import Encodings

extension AdminClient {
    /// How the broker's collateral stands: `items` (all of them, page by page), and from the first page `sources`, `network`
    /// and `pauses`.
    ///
    /// - Parameter prefix: What the items' names begin with; nil for all.
    /// - Throws: `AdminClientError`.
    public func collateral(prefix: String? = nil) async throws(AdminClientError) -> JSONObject {
        var status: JSONObject?
        var items: [JSONValue] = []
        while true {
            let target = RequestTarget("/claviger/v1/collateral").asking("prefix", prefix)
                .asking("after", items.last?["name"]?.stringValue)
            guard let page = try await json("GET", target).objectValue, let list = page["items"]?.arrayValue else {
                throw AdminClientError(.unexpected, "the broker's answer has no list of items")
            }
            status = status ?? page
            items += list
            guard page["more"] == true, !list.isEmpty else { break }
        }
        var whole = status ?? JSONObject()
        whole["items"] = .array(items)
        whole["more"] = nil
        return whole
    }

    /// Has the broker ask for a piece of collateral now; the answer is how it stands then.
    ///
    /// - Throws: `AdminClientError`: `not_found` when no origin has it, `unavailable` when none can answer now.
    public func fetchCollateral(_ name: String) async throws(AdminClientError) -> JSONObject {
        let value = try await json(
            "POST", RequestTarget("/claviger/v1/collateral/fetch"),
            body: JSONObject([("name", .string(name))]).serialized(), contentType: "application/json")
        guard let object = value.objectValue else {
            throw AdminClientError(.unexpected, "the broker's answer is no item of collateral")
        }
        return object
    }

    /// Everything that the broker has under names that begin with `prefix`, as the object that is to be signed.
    ///
    /// - Throws: `AdminClientError`.
    public func exportCollateral(prefix: String? = nil) async throws(AdminClientError) -> JSONObject {
        let value = try await json("GET", RequestTarget("/claviger/v1/collateral/export").asking("prefix", prefix))
        guard let object = value.objectValue else {
            throw AdminClientError(.unexpected, "the broker's answer is no bundle of collateral")
        }
        return object
    }

    /// Has the broker take over the items of a signed bundle; the answer says what became of each.
    ///
    /// - Throws: `AdminClientError`, `denied` when signatures are missing or wrong.
    public func importCollateral(_ bundle: [UInt8]) async throws(AdminClientError) -> JSONValue {
        try await json(
            "POST", RequestTarget("/claviger/v1/collateral/import"), body: bundle, contentType: "application/json")
    }
}
