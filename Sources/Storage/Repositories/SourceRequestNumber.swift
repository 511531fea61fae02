/// Tells the requests of one leader apart: a later one about the same thing has a bigger number.
public struct SourceRequestNumber: Sendable, Hashable {
    /// The subject of requests that bring all policies of a source.
    public static let policies = ""

    /// What the request is about: ``policies``, or a secret's namespace and name with `/` between them.
    public let subject: String
    /// The number of the leader.
    public let fence: Int64
    /// The number of the request.
    public let sequence: Int64

    /// A request's number.
    public init(subject: String, fence: Int64, sequence: Int64) {
        self.subject = subject
        self.fence = fence
        self.sequence = sequence
    }
}

/// The last requests of sources. One that was held up on the way must not undo what came after it. No request is on its way for
/// a day, so what is older is forgotten, like that of former leaders, whom the fence keeps out.
extension PolicyRepository {
    /// Whether a later request of the same leader about the same thing was seen.
    public func isOvertaken(_ number: SourceRequestNumber, of source: String) async throws(StorageError) -> Bool {
        let rows = try await database.read(
            SQLStatement(
                Self.selectLater,
                [.text(source), .text(number.subject), .int(number.fence), .int(number.sequence)]))
        return !rows.isEmpty
    }

    /// The statements that compare the number of a request with what was seen, and note it; those that raise the fence come
    /// before.
    static func numbering(_ number: SourceRequestNumber?, of source: String) throws(StorageError) -> [SQLStatement] {
        guard let number else { return [] }
        let values: [SQLValue] = [
            .text(source), .text(number.subject), .int(number.fence), .int(number.sequence),
        ]
        return [try SQLStatement(noteRequest, values), try SQLStatement(requireLastRequest, values)]
    }

    /// The statement that forgets requests of a source that cannot come any more.
    static func forgettingRequests(of source: String, before fence: Int64) throws(StorageError) -> SQLStatement {
        try SQLStatement(forgetRequests, [.text(source), .int(fence)])
    }

    private static let selectLater = SQL(
        """
        SELECT 1 FROM source_requests WHERE source = $1::text AND subject = $2::text
            AND (fence, sequence) > ($3::bigint, $4::bigint)
        """)

    private static let noteRequest = SQL(
        """
        INSERT INTO source_requests AS r (source, subject, fence, sequence)
        VALUES ($1::text, $2::text, $3::bigint, $4::bigint)
        ON CONFLICT (source, subject) DO UPDATE
            SET fence = excluded.fence, sequence = excluded.sequence, noted_at = now()
            WHERE (r.fence, r.sequence) <= (excluded.fence, excluded.sequence)
        """)

    private static let requireLastRequest = SQL(
        """
        SELECT claviger_require(
            (fence, sequence) = ($3::bigint, $4::bigint), 'a later request of the same leader was seen')
        FROM source_requests WHERE source = $1::text AND subject = $2::text
        """)

    private static let forgetRequests = SQL(
        """
        DELETE FROM source_requests
        WHERE source = $1::text AND (fence < $2::bigint OR noted_at < now() - interval '1 day')
        """)
}
