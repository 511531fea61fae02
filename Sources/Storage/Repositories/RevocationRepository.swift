import FoundationEssentials

/// A revocation.
public struct Revocation: Sendable, Hashable {
    /// What is revoked.
    public let subject: RevocationSubject
    /// Until when; afterwards the subject has ended by itself.
    public let until: Date
    /// Why.
    public let reason: String
    /// When it was revoked, by the database's clock.
    public let revokedAt: Date
    /// Who revoked it.
    public let revokedBy: String
}

/// Tokens and TEE keys that are no longer accepted.
public struct RevocationRepository: Sendable {
    private let database: Database

    /// A repository over a migrated database.
    public init(_ database: Database) { self.database = database }

    /// Revokes a subject until a time; a second revocation can lengthen the first, never shorten it. Takes effect with the
    /// next read of any broker.
    public func revoke(
        _ subject: RevocationSubject, until: Date, reason: String, by: String
    ) async throws(StorageError) {
        _ = try await database.write(
            SQLStatement(Self.upsert, [.text(subject.text), .date(until), .text(reason), .text(by)]))
    }

    private static let upsert = SQL(
        """
        INSERT INTO revocations AS r (subject, until, reason, revoked_by)
        VALUES ($1::text, $2::timestamptz, $3::text, $4::text)
        ON CONFLICT (subject) DO UPDATE SET until = greatest(r.until, excluded.until), reason = excluded.reason,
            revoked_at = now(), revoked_by = excluded.revoked_by
        """)

    /// Whether any of the subjects is revoked at `now`.
    public func isRevoked(any subjects: [RevocationSubject], now: Date = Date()) async throws(StorageError) -> Bool {
        let rows = try await database.read(SQLStatement(Self.find, [.texts(subjects.map(\.text)), .date(now)]))
        guard let row = rows.first else { throw .internal("a statement had no result") }
        return try row.bool(0)
    }

    private static let find = SQL(
        """
        SELECT EXISTS (SELECT 1 FROM revocations WHERE subject = ANY ($1::text[]) AND until > $2::timestamptz)
        """)

    /// The revocations in force at `now`, the newest first.
    public func list(now: Date = Date(), limit: Int = 1000) async throws(StorageError) -> [Revocation] {
        let rows = try await database.read(SQLStatement(Self.select, [.date(now), .int(Int64(limit))]))
        var revocations: [Revocation] = []
        for row in rows {
            guard let subject = RevocationSubject(text: try row.text(0)) else { continue }
            revocations.append(
                Revocation(
                    subject: subject, until: try row.date(1), reason: try row.text(2), revokedAt: try row.date(3),
                    revokedBy: try row.text(4)))
        }
        return revocations
    }

    private static let select = SQL(
        """
        SELECT subject, until, reason, revoked_at, revoked_by FROM revocations
        WHERE until > $1::timestamptz ORDER BY revoked_at DESC LIMIT $2::bigint
        """)

    /// Removes up to `limit` revocations that ended before `time`; returns how many.
    public func sweep(endedBefore time: Date, limit: Int = 1000) async throws(StorageError) -> Int {
        try await database.write(SQLStatement(Self.removeEnded, [.date(time), .int(Int64(limit))])).affected
    }

    private static let removeEnded = SQL(
        """
        DELETE FROM revocations WHERE subject IN (
            SELECT subject FROM revocations WHERE until < $1::timestamptz LIMIT $2::bigint FOR UPDATE SKIP LOCKED
        )
        """)
}
