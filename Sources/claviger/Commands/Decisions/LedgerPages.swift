import AdminClient
import Encodings
import FoundationEssentials
import Policy

/// The ledger from its newest decision back to a time.
struct LedgerPages {
    private static let pageSize = 200

    let client: AdminClient
    let filter: AdminClient.DecisionFilter

    /// The decisions made at `start` or later, the newest first, and whether there are more than `limit` of them.
    func decisions(
        since start: Date?, limit: Int
    ) async throws(AdminClientError) -> (records: [JSONObject], isCut: Bool) {
        var filter = filter
        var records: [JSONObject] = []
        while records.count <= limit {
            filter.limit = min(limit + 1 - records.count, Self.pageSize)
            let page = try await client.decisions(filter)
            for record in page {
                if let start, let at = TimestampText.date(record.cell("at")), at < start { return (records, false) }
                // A broker that does not know this way of asking answers with everybody's.
                guard filter.tenant == nil || filter.tenant == record["tenant"]?.stringValue else { continue }
                records.append(record)
            }
            guard let last = page.last?["id"]?.stringValue, page.count == filter.limit else { return (records, false) }
            filter.before = last
        }
        return (Array(records.prefix(limit)), true)
    }
}
