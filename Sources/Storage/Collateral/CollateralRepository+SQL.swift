import Crypto
import FoundationEssentials

extension CollateralRepository {
    private static let columns =
        "false, name, digest, source, fetched_at, issued_at, next_update, sequence, key_id, seal"
    /// The marks in the columns of a row.
    private static let marks =
        "SELECT true, key_id, mac, entries, now(), now(), NULL, NULL, '', NULL, NULL FROM collateral_marks"

    static let select = SQL(
        "(SELECT \(columns), content FROM collateral WHERE name = $1::text) UNION ALL \(marks)")

    static let selectMany = SQL(
        """
        (SELECT \(columns), NULL::bytea FROM collateral
         WHERE starts_with(name, $1::text) AND name > $2::text AND (NOT $3::boolean OR next_update IS NOT NULL)
         ORDER BY name LIMIT $4::bigint)
        UNION ALL \(marks)
        """)

    static let underOtherKeys = SQL(
        "(SELECT \(columns), NULL::bytea FROM collateral WHERE key_id <> $1::text) UNION ALL \(marks)")

    static let replaceSeal = SQL(
        """
        UPDATE collateral SET seal = $3::bytea, key_id = $4::text WHERE name = $1::text AND seal = $2::bytea
        """)

    /// Gives a row, and tells all brokers, when it was stored.
    static let store = SQL(
        """
        WITH stored AS (
            INSERT INTO collateral
                (name, content, digest, source, fetched_at, issued_at, next_update, sequence, key_id, seal)
            SELECT $1::text, $2::bytea, $3::bytea, $4::text, $5::timestamptz, $6::timestamptz, $7::timestamptz, $8::bytea,
                $9::text, $10::bytea
            WHERE $7::timestamptz IS NOT NULL OR $8::bytea IS NOT NULL
                OR EXISTS (SELECT 1 FROM collateral WHERE name = $1::text)
                OR (SELECT count(*) FROM collateral WHERE next_update IS NULL) < $11::bigint
            ON CONFLICT (name) DO UPDATE SET content = excluded.content, digest = excluded.digest,
                source = excluded.source, fetched_at = excluded.fetched_at, issued_at = excluded.issued_at,
                next_update = excluded.next_update, sequence = excluded.sequence, key_id = excluded.key_id,
                seal = excluded.seal
            RETURNING name
        )
        SELECT pg_notify('\(channel)', name) FROM stored
        """)

    /// Deletes the rows that were had longest ago, of those that are issued once and for all and that nobody spares, until there
    /// is room for one. They can be had again.
    static let evict = SQL(
        """
        DELETE FROM collateral WHERE name IN (
            SELECT name FROM collateral
            WHERE next_update IS NULL AND sequence IS NULL AND NOT starts_with(source, $2::text)
                AND name <> ALL ($3::text[])
            ORDER BY fetched_at, name
            LIMIT greatest(0, least(1000,
                (SELECT count(*) FROM collateral WHERE next_update IS NULL) - $1::bigint + 1)))
        """)

    static func digest(_ content: [UInt8]) -> [UInt8] { Array(SHA256.hash(data: content)) }
}

extension CollateralSummary {
    /// A row of the repository's columns, not yet authenticated. A number of another length than 8 bytes is read as none.
    init(_ row: SQLRow) throws(StorageError) {
        let sequence = row.optionalBytes(7).flatMap { $0.count == 8 ? $0 : nil }
        self.init(
            name: try row.text(1), digest: try row.bytes(2), source: try row.text(3), fetchedAt: try row.date(4),
            issuedAt: try row.date(5), nextUpdate: try row.optionalDate(6),
            sequence: sequence.map { $0.reduce(0) { $0 << 8 | UInt64($1) } })
    }

    /// Whether the number of a row is one, or there is none.
    static func hasSequenceOrNone(_ row: SQLRow) -> Bool { row.optionalBytes(7).map { $0.count == 8 } ?? true }

    /// Everything that the row says but the content, for which its digest stands.
    func sealedFields() throws(StorageError) -> [[UInt8]] {
        var fields = [Array(name.utf8), digest, Array(source.utf8)]
        for date in [fetchedAt, issuedAt] { fields.append(try Self.field(date)) }
        fields.append(try nextUpdate.map { date throws(StorageError) in try Self.field(date) } ?? [])
        fields.append(sequence.map { BoundContext.field(Int(truncatingIfNeeded: $0)) } ?? [])
        return fields
    }

    private static func field(_ date: Date) throws(StorageError) -> [UInt8] {
        guard let microseconds = PostgresTime.microseconds(date) else {
            throw .invalid("a time of a piece of collateral is outside the range of the database")
        }
        return BoundContext.field(Int(microseconds))
    }
}
