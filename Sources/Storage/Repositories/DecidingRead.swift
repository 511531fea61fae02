import FoundationEssentials

/// Everything that a release needs from the database, read in one round trip and from one snapshot.
public struct DecidingRead: Sendable {
    /// What was found.
    public struct Answer: Sendable {
        /// The generation of policies and reference values: when it is newer than the loaded one, load them first.
        public let generation: Int64
        /// The session, still encrypted; nil if none was asked for, there is none, or it has ended.
        public let session: SealedSession?
        /// The latest version of the resource, still encrypted; nil if no path was given or there is none. Of a large one
        /// the value is not fetched yet.
        public let resource: SealedResource?
        /// True if one of the subjects, or of those stored with the session, is revoked.
        public let isRevoked: Bool
    }

    private let database: Database
    private let seal: SessionSeal

    /// A read over a migrated database; `keys` open the sessions.
    public init(_ database: Database, keys: KeyEncryptionKeyRing) {
        self.database = database
        seal = SessionSeal(keys: keys)
    }

    /// Reads at `now`, which decides whether session and revocations still hold.
    ///
    /// A resource is only looked up for a session that was found, or when none was asked for: a made-up session costs the
    /// same whether or not the resource exists.
    public func callAsFunction(
        sessionHash: [UInt8]? = nil, path: String? = nil, subjects: [RevocationSubject] = [], now: Date = Date()
    ) async throws(StorageError) -> Answer {
        let rows = try await database.read(
            SQLStatement(
                Self.select,
                [
                    sessionHash.map { .bytes($0) } ?? .null, .text(orNull: path), .texts(subjects.map(\.text)),
                    .date(now),
                ]))
        guard let row = rows.first else { throw .internal("the database holds no generation") }
        return Answer(
            generation: try row.int(0), session: try Self.session(row, hash: sessionHash),
            resource: try Self.resource(row, path: path), isRevoked: try row.bool(1))
    }

    /// What a session holds.
    ///
    /// - Throws: `corrupt` when the session's row was changed or moved.
    public func open(_ session: SealedSession) throws(StorageError) -> [UInt8] {
        try seal.open(
            session.sealed, hash: session.hash, expires: session.expires, subjects: session.subjects)
    }

    private static func session(_ row: SQLRow, hash: [UInt8]?) throws(StorageError) -> SealedSession? {
        guard let hash, let sealed = row.optionalBytes(2) else { return nil }
        return SealedSession(hash: hash, sealed: sealed, expires: try row.date(4), subjects: try row.texts(3))
    }

    private static func resource(_ row: SQLRow, path: String?) throws(StorageError) -> SealedResource? {
        guard let path, !row.isNull(5) else { return nil }
        return try SealedResource(path: path, row: row, at: 5)
    }

    private static let select = SQL(
        """
        SELECT g.value,
            EXISTS (
                SELECT 1 FROM revocations
                WHERE (subject = ANY ($3::text[]) OR subject = ANY (s.subjects)) AND until > $4::timestamptz
            ),
            s.sealed, s.subjects, s.expires_at,
            v.tenant, v.version, v.content_type, v.wrapped_key,
            CASE WHEN octet_length(v.ciphertext) <= \(SealedResource.maximumFetchedBytes) THEN v.ciphertext END
        FROM generation g
        LEFT JOIN sessions s ON s.hash = $1::bytea AND s.expires_at > $4::timestamptz
        LEFT JOIN LATERAL (
            SELECT r.tenant, w.version, w.content_type, w.wrapped_key, w.ciphertext
            FROM resource_versions w JOIN resources r USING (path)
            WHERE w.path = $2::text AND w.wrapped_key IS NOT NULL AND ($1::bytea IS NULL OR s.hash IS NOT NULL)
            ORDER BY w.version DESC LIMIT 1
        ) v ON true
        """)
}
