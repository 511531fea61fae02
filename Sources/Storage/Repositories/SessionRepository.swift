import FoundationEssentials

/// Attested sessions and the nonces that they spent.
public struct SessionRepository: Sendable {
    private let database: Database
    private let seal: SessionSeal

    /// A repository over a migrated database.
    public init(_ database: Database, keys: KeyEncryptionKeyRing) {
        self.database = database
        seal = SessionSeal(keys: keys)
    }

    /// Spends a nonce and stores the session that it pays for, in one statement: of any number of racing callers, on any
    /// number of brokers, one wins.
    ///
    /// - Parameters:
    ///   - nonceHash: a digest of the nonce (the nonce itself is not stored).
    ///   - nonceExpires: until when the nonce must be remembered: not before its challenge has ended everywhere.
    ///   - sessionHash: a digest of the session's secret id.
    ///   - payload: what the session holds; it is encrypted here, bound to the row.
    ///   - subjects: texts of `RevocationSubject` that end the session when they are revoked.
    ///   - attestation: what the attestation found out, for the ledger; stored unless it is there already.
    /// - Throws: `conflict` when the nonce was spent before.
    public func open(
        nonceHash: [UInt8], nonceExpires: Date, sessionHash: [UInt8], payload: [UInt8],
        subjects: [RevocationSubject] = [], attestation: AttestationRecord? = nil, expires: Date
    ) async throws(StorageError) {
        let texts = subjects.map(\.text)
        let sealed = try seal.seal(payload, hash: sessionHash, expires: expires, subjects: texts)
        let rows = try await database.write(
            SQLStatement(
                Self.spendAndInsert,
                [
                    .bytes(nonceHash), .date(nonceExpires), .bytes(sessionHash), .bytes(sealed), .texts(texts),
                    .date(expires), attestation.map { .bytes($0.digest) } ?? .null, .text(orNull: attestation?.text),
                ]))
        guard !rows.isEmpty else { throw .conflict("the nonce was spent before") }
    }

    private static let spendAndInsert = SQL(
        """
        WITH spent AS (
            INSERT INTO nonces (hash, expires_at) VALUES ($1::bytea, $2::timestamptz)
            ON CONFLICT (hash) DO NOTHING RETURNING hash
        ), kept AS (
            INSERT INTO attestation_results (digest, content)
            SELECT $7::bytea, $8::text FROM spent WHERE $7::bytea IS NOT NULL
            ON CONFLICT (digest) DO NOTHING
        )
        INSERT INTO sessions (hash, sealed, subjects, expires_at)
        SELECT $3::bytea, $4::bytea, $5::text[], $6::timestamptz FROM spent
        RETURNING 1::bigint
        """)

    /// Spends what may be used once and opens no session: of any number of racing callers, on any number of brokers, one gets
    /// true.
    ///
    /// - Parameters:
    ///   - hash: a digest of what is spent.
    ///   - expires: until when it must be remembered.
    public func spend(hash: [UInt8], expires: Date) async throws(StorageError) -> Bool {
        try await database.write(SQLStatement(Self.spend, [.bytes(hash), .date(expires)])).affected > 0
    }

    private static let spend = SQL(
        """
        INSERT INTO nonces (hash, expires_at) VALUES ($1::bytea, $2::timestamptz) ON CONFLICT (hash) DO NOTHING
        """)

    /// The payload of a session; nil if there is none of that hash or it ended before `now`.
    ///
    /// - Throws: `corrupt` when the row was changed or moved.
    public func find(sessionHash: [UInt8], now: Date = Date()) async throws(StorageError) -> [UInt8]? {
        let rows = try await database.read(SQLStatement(Self.select, [.bytes(sessionHash), .date(now)]))
        guard let row = rows.first else { return nil }
        return try seal.open(row.bytes(0), hash: sessionHash, expires: row.date(2), subjects: row.texts(1))
    }

    private static let select = SQL(
        """
        SELECT sealed, subjects, expires_at FROM sessions
        WHERE hash = $1::bytea AND expires_at > $2::timestamptz
        """)

    /// Ends a session. Returns false if there was none.
    public func delete(sessionHash: [UInt8]) async throws(StorageError) -> Bool {
        try await database.write(SQLStatement(Self.remove, [.bytes(sessionHash)])).affected > 0
    }

    private static let remove = SQL("DELETE FROM sessions WHERE hash = $1::bytea")

    /// Removes up to `limit` nonces and `limit` sessions that ended before `time`; returns how many rows went. Call it from
    /// time to time, with a `time` that lies further back than brokers' clocks may differ.
    public func sweep(endedBefore time: Date, limit: Int = 1000) async throws(StorageError) -> Int {
        let rows = try await database.write(SQLStatement(Self.removeEnded, [.date(time), .int(Int64(limit))]))
        guard let row = rows.first else { return 0 }
        return Int(try row.int(0))
    }

    // Brokers that sweep at the same time skip each other's rows.
    private static let removeEnded = SQL(
        """
        WITH old_nonces AS (
            DELETE FROM nonces WHERE hash IN (
                SELECT hash FROM nonces WHERE expires_at < $1::timestamptz LIMIT $2::bigint FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        ), old_sessions AS (
            DELETE FROM sessions WHERE hash IN (
                SELECT hash FROM sessions WHERE expires_at < $1::timestamptz LIMIT $2::bigint FOR UPDATE SKIP LOCKED
            ) RETURNING 1
        )
        SELECT (SELECT count(*) FROM old_nonces) + (SELECT count(*) FROM old_sessions)
        """)
}
