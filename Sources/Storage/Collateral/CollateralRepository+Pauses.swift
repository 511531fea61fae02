public import FoundationEssentials

/// Until when a publisher is not asked, or not asked for a name, and why.
public struct CollateralPause: Sendable, Hashable {
    /// What the subjects begin with that are origins and not names.
    public static let originPrefix = "origin "

    /// Who or what is not asked for.
    public let subject: String
    /// Until when.
    public let until: Date
    /// The stable code of the reason.
    public let code: String
    /// The reason for people.
    public let message: String

    /// A pause from its parts.
    public init(subject: String, until: Date, code: String, message: String) {
        self.subject = subject
        self.until = until
        self.code = code
        self.message = message
    }
}

/// Pauses that replicas tell each other. They only spare publishers, so they are not authenticated. What ends later than any
/// pause can is not believed: somebody else wrote it, or a broker whose clock is wrong.
extension CollateralRepository {
    /// The most pauses that are kept; callers can name what does not exist without end.
    public static let maximumPauses = 10_000

    /// The latest end of a pause that is believed: twice as late as an origin may ask for, because clocks differ.
    private static let horizon: TimeInterval = 2 * 86_400

    /// Tells the others of a pause, and forgets those that are over at `now` and those that nobody can have meant.
    public func pause(_ pause: CollateralPause, now: Date) async throws(StorageError) {
        _ = try await database.transaction([
            try SQLStatement(Self.sweepPauses, [.date(now), .date(now.addingTimeInterval(Self.horizon))]),
            try SQLStatement(
                Self.storePause,
                [.text(pause.subject), .date(pause.until), .text(pause.code), .text(pause.message)]),
        ])
    }

    /// The pauses of these subjects that are not over at `now`.
    public func pauses(of subjects: [String], now: Date) async throws(StorageError) -> [CollateralPause] {
        let end = now.addingTimeInterval(Self.horizon)
        return try Self.pauses(
            await database.read(SQLStatement(Self.selectPauses, [.texts(subjects), .date(now), .date(end)])))
    }

    /// All pauses that are not over at `now`, at most `limit`, those of origins first.
    public func pauses(now: Date, limit: Int = 1_000) async throws(StorageError) -> [CollateralPause] {
        let end = now.addingTimeInterval(Self.horizon)
        return try Self.pauses(
            await database.read(SQLStatement(Self.selectAllPauses, [.date(now), .int(Int64(limit)), .date(end)])))
    }

    private static func pauses(_ rows: SQLRows) throws(StorageError) -> [CollateralPause] {
        var pauses: [CollateralPause] = []
        for row in rows {
            pauses.append(
                CollateralPause(
                    subject: try row.text(0), until: try row.date(1), code: try row.text(2), message: try row.text(3)))
        }
        return pauses
    }

    private static let sweepPauses = SQL(
        "DELETE FROM collateral_pauses WHERE until <= $1::timestamptz OR until > $2::timestamptz")

    private static let storePause = SQL(
        """
        INSERT INTO collateral_pauses (subject, until, code, message)
        SELECT $1::text, $2::timestamptz, $3::text, $4::text
        WHERE (SELECT count(*) FROM collateral_pauses) < \(maximumPauses)
            OR starts_with($1::text, '\(CollateralPause.originPrefix)')
            OR EXISTS (SELECT 1 FROM collateral_pauses WHERE subject = $1::text)
        ON CONFLICT (subject) DO UPDATE SET until = excluded.until, code = excluded.code, message = excluded.message
        """)

    private static let selectPauses = SQL(
        """
        SELECT subject, until, code, message FROM collateral_pauses
        WHERE subject = ANY ($1::text[]) AND until > $2::timestamptz AND until <= $3::timestamptz
        """)

    private static let selectAllPauses = SQL(
        """
        SELECT subject, until, code, message FROM collateral_pauses
        WHERE until > $1::timestamptz AND until <= $3::timestamptz
        ORDER BY NOT starts_with(subject, '\(CollateralPause.originPrefix)'), subject LIMIT $2::bigint
        """)
}
