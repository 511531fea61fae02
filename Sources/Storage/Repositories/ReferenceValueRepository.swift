import FoundationEssentials

/// A registered reference value.
public struct StoredReferenceValue: Sendable, Hashable {
    /// Its name.
    public let name: String
    /// JSON text, exactly as it was stored.
    public let value: String
    /// When it stops to count; nil for never.
    public let expires: Date?
    /// The generation that its last change made.
    public let generation: Int64
    /// When it was last changed, by the database's clock.
    public let updatedAt: Date
    /// Who changed it last.
    public let updatedBy: String
}

/// Reference values that were registered one by one, beside those in policy documents. Changes bump the generation of
/// `PolicyRepository` and stand in the same history under the kind `reference-value`.
public struct ReferenceValueRepository: Sendable {
    private static let kind = "reference-value"
    private let database: Database
    private let keys: KeyEncryptionKeyRing
    private let change: SealedChange

    /// A repository over a migrated database; the keys seal what is stored.
    public init(_ database: Database, keys: KeyEncryptionKeyRing) {
        self.database = database
        self.keys = keys
        change = SealedChange(database: database, keys: keys)
    }

    /// Stores a value (JSON text) under a name, replacing what was there. Returns the new generation.
    public func put(
        name: String, value: String, expires: Date? = nil, by: String
    ) async throws(StorageError) -> Int64 {
        try await put([(name: name, value: value)], expires: expires, by: by)
    }

    /// Stores several values at once, in one generation.
    ///
    /// - Parameter seen: The generation that the change was made for; nil for a change that holds whatever else is stored.
    /// - Throws: `conflict` when the generation is not `seen` any more, `corrupt` when the seal over policies and reference
    ///   values is not good; nothing is changed then.
    public func put(
        _ values: [(name: String, value: String)], expires: Date? = nil, by: String, after seen: Int64? = nil
    ) async throws(StorageError) -> Int64 {
        let generation = try await change(after: seen) { _, manifest throws(StorageError) in
            var statements: [SQLStatement] = []
            for (name, value) in values {
                manifest.put(
                    referenceValue: name, value, expires: expires.flatMap(PostgresTime.microseconds), by: by)
                statements.append(
                    try SQLStatement(Self.store, [.text(name), .text(value), .date(orNull: expires), .text(by)]))
            }
            return statements
        }
        guard let generation else { throw .internal("a change that was due was not made") }
        return generation
    }

    /// Removes a value. Returns the new generation, or nil if there was none of that name.
    public func delete(name: String, by: String) async throws(StorageError) -> Int64? {
        try await change(after: nil) { snapshot, manifest throws(StorageError) in
            let isSealed = manifest.entries.removeValue(forKey: .referenceValue(name)) != nil
            guard isSealed || snapshot.referenceValues.contains(where: { $0.name == name }) else { return nil }
            return [try SQLStatement(Self.remove, [.text(name), .text(by)])]
        }
    }

    /// One value; nil if there is none of that name.
    public func get(name: String) async throws(StorageError) -> StoredReferenceValue? {
        try await select(name).first
    }

    /// All values, ordered by name; expired ones included.
    public func list() async throws(StorageError) -> [StoredReferenceValue] { try await select(nil) }

    /// The changes of one value, the newest first.
    public func history(name: String, limit: Int = 100) async throws(StorageError) -> [PolicyChange] {
        try await PolicyRepository(database, keys: keys)
            .history(PolicyKey(kind: Self.kind, namespace: nil, name: name), limit: limit)
    }

    private func select(_ name: String?) async throws(StorageError) -> [StoredReferenceValue] {
        var values: [StoredReferenceValue] = []
        for row in try await database.read(SQLStatement(Self.find, [.text(orNull: name)])) {
            values.append(
                StoredReferenceValue(
                    name: try row.text(0), value: try row.text(1), expires: try row.optionalDate(2),
                    generation: try row.int(3), updatedAt: try row.date(4), updatedBy: try row.text(5)))
        }
        return values
    }

    private static let find = SQL(
        """
        SELECT name, value, expires_at, generation, updated_at, updated_by FROM reference_values
        WHERE ($1::text IS NULL OR name = $1::text) ORDER BY name
        """)

    private static let store = SQL(
        """
        WITH stored AS (
            INSERT INTO reference_values (name, value, expires_at, generation, updated_by)
            SELECT $1::text, $2::text, $3::timestamptz, g.value, $4::text FROM generation g
            ON CONFLICT (name) DO UPDATE SET value = excluded.value, expires_at = excluded.expires_at,
                generation = excluded.generation, updated_at = now(), updated_by = excluded.updated_by
            RETURNING *
        )
        INSERT INTO policy_history (generation, change, kind, namespace, name, body, origin, changed_by)
        SELECT generation, 'put', '\(kind)', '', name, value, 'reference-value', updated_by FROM stored
        """)

    private static let remove = SQL(
        """
        WITH removed AS (DELETE FROM reference_values WHERE name = $1::text RETURNING *)
        INSERT INTO policy_history (generation, change, kind, namespace, name, origin, changed_by)
        SELECT g.value, 'delete', '\(kind)', '', r.name, 'reference-value', $2::text FROM removed r, generation g
        """)
}
