import Encodings

/// Versioned, envelope-encrypted resources.
public struct ResourceRepository: Sendable {
    /// The largest value in bytes.
    public static let maximumSize = 16 * 1024 * 1024
    private static let maximumTries = 8

    let database: Database
    let envelope: ResourceEnvelope

    /// A repository over a migrated database; `keys` never leave the process.
    public init(_ database: Database, keys: KeyEncryptionKeyRing) {
        self.database = database
        envelope = ResourceEnvelope(keys: keys)
    }

    /// Stores a value as the next version of a path and returns that version, once it is durable.
    ///
    /// - Throws: `conflict` when the path belongs to another tenant; `invalid` for a value over `maximumSize`.
    public func put(
        path: String, tenant: String, value: SecretBytes, by: String, contentType: String? = nil
    ) async throws(StorageError) -> Int {
        guard value.count <= Self.maximumSize else { throw .invalid("the value is larger than a resource may be") }
        for _ in 0..<Self.maximumTries {
            let version = try await reserveVersion(path: path, tenant: tenant)
            let sealed = try envelope.seal(value, path: path, tenant: tenant, version: version)
            let stored = try await database.write(
                SQLStatement(
                    Self.insertVersion,
                    [
                        .text(path), .text(tenant), .int(Int64(version)), .text(orNull: contentType),
                        .text(envelope.keys.currentKeyID), .bytes(sealed.wrappedKey), .bytes(sealed.ciphertext),
                        .text(by),
                    ]))
            if !stored.isEmpty { return version }
            // The path was deleted between the two statements: the reserved version is dead, so take another.
        }
        throw .unavailable("the resource is being deleted again and again while it is written")
    }

    // The version is part of what the ciphertext is bound to, so it is fixed before the value is encrypted. A number
    // that is reserved and not used (the writer died) stays unused.
    private static let reserve = SQL(
        """
        INSERT INTO resources AS r (path, tenant, last_version) VALUES ($1::text, $2::text, 1)
        ON CONFLICT (path) DO UPDATE SET last_version = r.last_version + 1 WHERE r.tenant = excluded.tenant
        RETURNING last_version
        """)

    static let insertVersion = SQL(
        """
        WITH owner AS (
            SELECT path FROM resources
            WHERE path = $1::text AND tenant = $2::text AND deleted_through < $3::bigint FOR UPDATE
        )
        INSERT INTO resource_versions (path, version, content_type, key_id, wrapped_key, ciphertext, created_by)
        SELECT path, $3::bigint, $4::text, $5::text, $6::bytea, $7::bytea, $8::text FROM owner
        RETURNING version
        """)

    func reserveVersion(path: String, tenant: String) async throws(StorageError) -> Int {
        let rows = try await database.write(SQLStatement(Self.reserve, [.text(path), .text(tenant)]))
        guard let row = rows.first else { throw .conflict("the path belongs to another tenant") }
        return Int(try row.int(0))
    }

    /// The latest version of a path that was not destroyed, still encrypted; nil if there is none.
    public func sealed(path: String) async throws(StorageError) -> SealedResource? {
        let rows = try await database.read(SQLStatement(Self.latest, [.text(path)]))
        guard let row = rows.first else { return nil }
        return try SealedResource(path: path, row: row, at: 0)
    }

    private static let latest = SQL(
        """
        SELECT r.tenant, v.version, v.content_type, v.wrapped_key, v.ciphertext
        FROM resource_versions v JOIN resources r USING (path)
        WHERE v.path = $1::text AND v.wrapped_key IS NOT NULL ORDER BY v.version DESC LIMIT 1
        """)

    /// The same version with its value, which a deciding read leaves out when it is large; nil if it was destroyed since.
    public func complete(_ resource: SealedResource) async throws(StorageError) -> SealedResource? {
        guard resource.ciphertext == nil else { return resource }
        let rows = try await database.read(
            SQLStatement(Self.exact, [.text(resource.path), .int(Int64(resource.version))]))
        guard let row = rows.first else { return nil }
        return try SealedResource(path: resource.path, row: row, at: 0)
    }

    private static let exact = SQL(
        """
        SELECT r.tenant, v.version, v.content_type, v.wrapped_key, v.ciphertext
        FROM resource_versions v JOIN resources r USING (path)
        WHERE v.path = $1::text AND v.version = $2::bigint AND v.wrapped_key IS NOT NULL
        """)

    /// Decrypts a version that has its value.
    ///
    /// - Throws: `corrupt` when the row was changed or moved, or its key-encryption key is not in the ring.
    public func open(_ resource: SealedResource) throws(StorageError) -> SecretBytes { try envelope.open(resource) }

    /// Destroys the data keys and values of all versions of a path. Returns false if there was nothing to destroy.
    ///
    /// The rows stay as a record without content. PostgreSQL keeps the old row images until it vacuums, and backups keep
    /// theirs until the key-encryption key that wrapped them leaves the ring.
    public func delete(path: String, by: String) async throws(StorageError) -> Bool {
        let rows = try await database.transaction([
            SQLStatement(Self.closePath, [.text(path)]),
            SQLStatement(Self.destroyVersions, [.text(path), .text(by)]),
        ])
        return (rows.last?.affected ?? 0) > 0
    }

    // Taken first, so that the second statement's snapshot holds every version that was written before the lock.
    static let closePath = SQL("UPDATE resources SET deleted_through = last_version WHERE path = $1::text")

    static let destroyVersions = SQL(
        """
        UPDATE resource_versions
        SET wrapped_key = NULL, ciphertext = NULL, key_id = NULL, destroyed_at = now(), destroyed_by = $2::text
        WHERE path = $1::text AND wrapped_key IS NOT NULL
        """)

    /// The resources whose path starts with `prefix` and, if named, belong to `tenant`, ordered by path.
    public func list(
        prefix: String = "", tenant: String? = nil, after: String? = nil, limit: Int = 1000
    ) async throws(StorageError) -> [ResourceSummary] {
        let rows = try await database.read(
            SQLStatement(
                Self.summaries, [.text(prefix), .text(orNull: tenant), .text(orNull: after), .int(Int64(limit))]))
        var summaries: [ResourceSummary] = []
        for row in rows {
            summaries.append(
                ResourceSummary(
                    path: try row.text(0), tenant: try row.text(1), version: Int(try row.int(2)),
                    contentType: try row.optionalText(3), createdAt: try row.date(4), createdBy: try row.text(5)))
        }
        return summaries
    }

    private static let summaries = SQL(
        """
        SELECT r.path, r.tenant, v.version, v.content_type, v.created_at, v.created_by
        FROM resources r CROSS JOIN LATERAL (
            SELECT * FROM resource_versions
            WHERE path = r.path AND wrapped_key IS NOT NULL ORDER BY version DESC LIMIT 1
        ) v
        WHERE starts_with(r.path, $1::text) AND ($2::text IS NULL OR r.tenant = $2::text)
            AND ($3::text IS NULL OR r.path > $3::text)
        ORDER BY r.path LIMIT $4::bigint
        """)

    /// All versions of a path, the newest first, destroyed ones included. Empty if the path was never written.
    public func versions(path: String) async throws(StorageError) -> [ResourceVersion] {
        let rows = try await database.read(SQLStatement(Self.history, [.text(path)]))
        var versions: [ResourceVersion] = []
        for row in rows {
            versions.append(
                ResourceVersion(
                    version: Int(try row.int(0)), createdAt: try row.date(1), createdBy: try row.text(2),
                    destroyedAt: try row.optionalDate(3), destroyedBy: try row.optionalText(4),
                    keyID: try row.optionalText(5)))
        }
        return versions
    }

    private static let history = SQL(
        """
        SELECT version, created_at, created_by, destroyed_at, destroyed_by, key_id FROM resource_versions
        WHERE path = $1::text ORDER BY version DESC
        """)
}

extension SealedResource {
    /// Reads tenant, version, content type, wrapped key and ciphertext from five columns.
    init(path: String, row: SQLRow, at column: Int) throws(StorageError) {
        self.path = path
        tenant = try row.text(column)
        version = Int(try row.int(column + 1))
        contentType = try row.optionalText(column + 2)
        wrappedKey = try row.bytes(column + 3)
        ciphertext = row.optionalBytes(column + 4)
    }
}
