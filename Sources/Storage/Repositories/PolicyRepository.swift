/// Policy documents, with every state they ever had. Each change bumps one generation counter, which reference values share,
/// and notifies `PolicyRepository.channel`.
public struct PolicyRepository: Sendable {
    /// The channel that is notified with the new generation after each change.
    public static let channel = "claviger_generation"

    /// The origin of documents that a broker stored by itself; those of other origins may take their names.
    public static let installed = "installed"

    let database: Database

    /// A repository over a migrated database.
    public init(_ database: Database) { self.database = database }

    /// Stores a document, replacing one of the same name whatever its origin (who does that is in the history). Returns the
    /// new generation.
    public func put(_ policy: NewPolicy, origin: String, by: String) async throws(StorageError) -> Int64 {
        try await put([policy], origin: origin, by: by)
    }

    /// Stores several documents, each as `put` of one does, in one transaction and one generation: all of them or none.
    ///
    /// - Parameter seen: The generation that the change was made for; nil for a change that holds whatever else is stored.
    /// - Throws: `conflict` when the generation is not `seen` any more; nothing is changed then.
    public func put(
        _ policies: [NewPolicy], origin: String, by: String, after seen: Int64? = nil
    ) async throws(StorageError) -> Int64 {
        try await change([try upsert(policies, origin: origin, by: by)], after: seen)
    }

    /// Removes a document. Returns the new generation, or nil if there was none of that name.
    ///
    /// - Parameter seen: The generation that the change was made for; nil for a change that holds whatever else is stored.
    /// - Throws: `conflict` when the generation is not `seen` any more; nothing is changed then.
    public func delete(_ key: PolicyKey, by: String, after seen: Int64? = nil) async throws(StorageError) -> Int64? {
        guard try await get(key) != nil else { return nil }
        let statement = try SQLStatement(
            Self.remove, [.text(key.kind), .text(key.namespace ?? ""), .text(key.name), .text(by)])
        return try await change([statement], after: seen)
    }

    /// Makes `policies` all that `origin` has: stores them and removes its other documents, in one generation.
    ///
    /// - Parameter seen: The generation that the change was made for; nil for a change that holds whatever else is stored.
    /// - Throws: `conflict` when a document of the same name belongs to another origin than this or ``installed``, or the generation is not `seen` any
    ///   more; nothing is changed then.
    public func replace(
        origin: String, with policies: [NewPolicy], by: String, after seen: Int64? = nil
    ) async throws(StorageError) -> Int64 {
        let names = Self.names(policies.map(\.key))
        let statements = [
            try SQLStatement(Self.requireOwner, names + [.text(origin)]),
            try SQLStatement(Self.removeOthers, names + [.text(origin), .text(by)]),
            try upsert(policies, origin: origin, by: by),
        ]
        return try await change(statements, after: seen)
    }

    /// One document; nil if there is none of that name.
    public func get(_ key: PolicyKey) async throws(StorageError) -> StoredPolicy? {
        try await select([.text(key.kind), .text(key.namespace ?? ""), .text(key.name), .null]).first
    }

    /// The documents in force, ordered by name; of one kind, namespace (`""` for cluster scope) or origin where named.
    public func list(
        kind: String? = nil, namespace: String? = nil, origin: String? = nil
    ) async throws(StorageError) -> [StoredPolicy] {
        try await select([.text(orNull: kind), .text(orNull: namespace), .null, .text(orNull: origin)])
    }

    /// The changes of one document, the newest first.
    public func history(_ key: PolicyKey, limit: Int = 100) async throws(StorageError) -> [PolicyChange] {
        let rows = try await database.read(
            SQLStatement(
                Self.changes, [.text(key.kind), .text(key.namespace ?? ""), .text(key.name), .int(Int64(limit))]))
        var changes: [PolicyChange] = []
        for row in rows { changes.append(try PolicyChange(row)) }
        return changes
    }

    /// The current generation of policies and reference values.
    public func generation() async throws(StorageError) -> Int64 {
        guard let row = try await database.read(SQLStatement(Self.currentGeneration)).first else {
            throw .internal("the database holds no generation")
        }
        return try row.int(0)
    }

    private func select(_ parameters: [SQLValue]) async throws(StorageError) -> [StoredPolicy] {
        var policies: [StoredPolicy] = []
        for row in try await database.read(SQLStatement(Self.documents, parameters)) {
            policies.append(try StoredPolicy(row, at: 0))
        }
        return policies
    }

    /// Runs statements as one new generation.
    private func change(_ statements: [SQLStatement], after seen: Int64?) async throws(StorageError) -> Int64 {
        try await GenerationChange.perform(statements, in: database, after: seen)
    }

    private func upsert(_ policies: [NewPolicy], origin: String, by: String) throws(StorageError) -> SQLStatement {
        try SQLStatement(
            Self.store,
            Self.names(policies.map(\.key)) + [
                .texts(policies.map(\.text)), .texts(policies.map(\.digest)), .text(origin), .text(by),
            ])
    }

    private static func names(_ keys: [PolicyKey]) -> [SQLValue] {
        [.texts(keys.map(\.kind)), .texts(keys.map { $0.namespace ?? "" }), .texts(keys.map(\.name))]
    }
}

/// A change of policies or reference values: the generation row is locked first, so changes happen one after the other.
enum GenerationChange {
    static func perform(
        _ statements: [SQLStatement], in database: Database, after seen: Int64? = nil
    ) async throws(StorageError) -> Int64 {
        var all = [try SQLStatement(bump)]
        if let seen { all.append(try SQLStatement(requireNext, [.int(seen)])) }
        let results = try await database.transaction(all + statements + [try SQLStatement(notify)])
        guard let row = results.first?.first else { throw .internal("the database holds no generation") }
        return try row.int(0)
    }

    private static let bump = SQL("UPDATE generation SET value = value + 1, changed_at = now() RETURNING value")

    private static let requireNext = SQL(
        """
        SELECT claviger_require(value = $1::bigint + 1, 'policies or reference values were changed meanwhile')
        FROM generation
        """)

    private static let notify = SQL(
        "SELECT pg_notify('\(PolicyRepository.channel)', value::text) FROM generation")
}

extension StoredPolicy {
    init(_ row: SQLRow, at column: Int) throws(StorageError) {
        key = PolicyKey(
            kind: try row.text(column), namespace: try row.text(column + 1), name: try row.text(column + 2))
        text = try row.text(column + 3)
        digest = try row.text(column + 4)
        origin = try row.text(column + 5)
        generation = try row.int(column + 6)
        updatedAt = try row.date(column + 7)
        updatedBy = try row.text(column + 8)
    }
}

extension PolicyChange {
    init(_ row: SQLRow) throws(StorageError) {
        generation = try row.int(0)
        guard let change = Change(rawValue: try row.text(1)) else {
            throw .internal("the policy history holds an unknown change")
        }
        self.change = change
        key = PolicyKey(kind: try row.text(2), namespace: try row.text(3), name: try row.text(4))
        text = try row.optionalText(5)
        digest = try row.optionalText(6)
        origin = try row.text(7)
        changedAt = try row.date(8)
        changedBy = try row.text(9)
    }
}
