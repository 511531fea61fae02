extension ResourceRepository {
    /// Wraps the data keys of up to `limit` versions, that are under another key, under the ring's current
    /// key-encryption key; values are not touched. Repeat until it returns 0. Returns how many were looked at.
    ///
    /// - Throws: `corrupt` when a data key cannot be unwrapped.
    public func rewrap(limit: Int = 100) async throws(StorageError) -> Int {
        let current = envelope.keys.currentKeyID
        let rows = try await database.read(SQLStatement(Self.underOtherKeys, [.text(current), .int(Int64(limit))]))
        for row in rows {
            let path = try row.text(0)
            let version = try row.int(1)
            let wrapped = try row.bytes(3)
            let fresh = try envelope.rewrap(wrapped, path: path, tenant: row.text(2), version: Int(version))
            // Compared with the old bytes, so that a delete or another rewrap in between wins.
            _ = try await database.write(
                SQLStatement(
                    Self.replaceKey, [.text(path), .int(version), .bytes(wrapped), .bytes(fresh), .text(current)]))
        }
        return rows.count
    }

    private static let underOtherKeys = SQL(
        """
        SELECT v.path, v.version, r.tenant, v.wrapped_key FROM resource_versions v JOIN resources r USING (path)
        WHERE v.wrapped_key IS NOT NULL AND v.key_id <> $1::text LIMIT $2::bigint
        """)

    private static let replaceKey = SQL(
        """
        UPDATE resource_versions SET wrapped_key = $4::bytea, key_id = $5::text
        WHERE path = $1::text AND version = $2::bigint AND wrapped_key = $3::bytea
        """)
}
