/// Policy documents, with every state they ever had. Each change bumps one generation counter, which reference values share,
/// and notifies `PolicyRepository.channel`.
public struct PolicyRepository: Sendable {
    /// The channel that is notified with the new generation after each change.
    public static let channel = "claviger_generation"

    /// The origin of documents that a broker stored by itself; those of other origins may take their names.
    public static let installed = "installed"

    let database: Database
    let keys: KeyEncryptionKeyRing
    let change: SealedChange

    /// A repository over a migrated database; the keys seal what is stored.
    public init(_ database: Database, keys: KeyEncryptionKeyRing) {
        self.database = database
        self.keys = keys
        change = SealedChange(database: database, keys: keys)
    }

    /// Stores a document, replacing one of the same name whatever its origin (who does that is in the history). Returns the
    /// new generation.
    public func put(_ policy: NewPolicy, origin: String, by: String) async throws(StorageError) -> Int64 {
        try await put([policy], origin: origin, by: by)
    }

    /// Stores several documents, each as `put` of one does, in one transaction and one generation: all of them or none.
    ///
    /// - Parameter seen: The generation that the change was made for; nil for a change that holds whatever else is stored.
    /// - Throws: `conflict` when the generation is not `seen` any more, `corrupt` when the seal is not good; nothing is
    ///   changed then.
    public func put(
        _ policies: [NewPolicy], origin: String, by: String, after seen: Int64? = nil
    ) async throws(StorageError) -> Int64 {
        let generation = try await change(after: seen) { _, manifest throws(StorageError) in
            for policy in policies { manifest.put(policy, origin: origin, by: by) }
            return [try upsert(policies, origin: origin, by: by)]
        }
        return try Self.made(generation)
    }

    /// Removes a document. Returns the new generation, or nil if there was none of that name.
    ///
    /// - Parameter seen: The generation that the change was made for; nil for a change that holds whatever else is stored.
    /// - Throws: as ``put(_:origin:by:after:)`` does.
    public func delete(_ key: PolicyKey, by: String, after seen: Int64? = nil) async throws(StorageError) -> Int64? {
        try await change(after: seen) { snapshot, manifest throws(StorageError) in
            let isSealed = manifest.entries.removeValue(forKey: .policy(key)) != nil
            guard isSealed || snapshot.policies.contains(where: { $0.key == key }) else { return nil }
            return [try removal([key], by: by)]
        }
    }

    /// Makes `policies` all that `origin` has: stores them and removes its other documents, in one generation.
    ///
    /// - Parameter seen: The generation that the change was made for; nil for a change that holds whatever else is stored.
    /// - Throws: as ``put(_:origin:by:after:)`` does, and `conflict` when a document of the same name belongs to another
    ///   origin than this or ``installed``.
    public func replace(
        origin: String, with policies: [NewPolicy], by: String, after seen: Int64? = nil
    ) async throws(StorageError) -> Int64 {
        let generation = try await change(after: seen) { snapshot, manifest throws(StorageError) in
            // A source of policies that is fed by machinery must not quietly take over, and so weaken, what another owns.
            // What a broker installed by itself is nobody's.
            try Self.requireUnowned(policies, snapshot) { $0 != origin && $0 != Self.installed }
            let old = snapshot.policies(in: manifest) { $0 == origin }
            return try exchange(old, for: policies, origin: origin, by: by, &manifest)
        }
        return try Self.made(generation)
    }

    /// Stores a signed bundle with its documents, which are then all that came in a bundle of this name.
    ///
    /// - Parameters:
    ///   - exclusive: Removes everything that came in no bundle: documents and reference values.
    ///   - dropped: Names of other bundles that go with their documents; how far they had come stays remembered.
    ///   - seen: The generation that the change was made for.
    /// - Throws: as ``put(_:origin:by:after:)`` does, and `conflict` when a document of the same name came in another
    ///   bundle, or the serial is not above the highest so far (the very same bundle may come again).
    public func put(
        _ bundle: NewPolicyBundle, _ policies: [NewPolicy], exclusive: Bool, dropping dropped: Set<String> = [],
        by: String, after seen: Int64
    ) async throws(StorageError) -> Int64 {
        let origin = NewPolicyBundle.origin(bundle.name)
        let free = Set(dropped.map(NewPolicyBundle.origin)).union([origin])
        let generation = try await change(after: seen) { snapshot, manifest throws(StorageError) in
            try Self.requireUnowned(policies, snapshot) { !free.contains($0) && NewPolicyBundle.isOrigin($0) }
            if let mark = manifest.mark(ofBundle: bundle.name) {
                let isSame = mark.serial == bundle.serial && mark.digest == bundle.digest
                guard mark.serial < bundle.serial || isSame else {
                    throw .conflict("a bundle of this name with this serial or a later one is stored")
                }
            }
            let old = snapshot.policies(in: manifest) {
                free.contains($0) || (exclusive && !NewPolicyBundle.isOrigin($0))
            }
            var statements = try exchange(old, for: policies, origin: origin, by: by, &manifest)
            if exclusive {
                manifest.entries = manifest.entries.filter { if case .referenceValue = $0.key { false } else { true } }
                statements.append(try SQLStatement(Self.removeReferenceValues, [.text(by)]))
            }
            if !dropped.isEmpty {
                for name in dropped { manifest.drop(bundle: name) }
                statements.append(try SQLStatement(Self.removeBundles, [.texts(dropped.sorted()), .text(by)]))
            }
            manifest.put(bundle, by: by)
            statements.append(
                try SQLStatement(
                    Self.storeBundle,
                    [.text(bundle.name), .int(bundle.serial), .text(bundle.digest), .text(bundle.text), .text(by)]))
            return statements
        }
        return try Self.made(generation)
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

    /// The names of all documents of a kind that were ever stored, ordered; at most `limit`, deleted ones included.
    public func everNamed(kind: String, limit: Int = 10_000) async throws(StorageError) -> [PolicyKey] {
        var keys: [PolicyKey] = []
        for row in try await database.read(SQLStatement(Self.everNamed, [.text(kind), .int(Int64(limit))])) {
            keys.append(PolicyKey(kind: try row.text(0), namespace: try row.text(1), name: try row.text(2)))
        }
        return keys
    }

    /// The current generation of policies and reference values.
    public func generation() async throws(StorageError) -> Int64 { try await Self.generation(in: database) }

    /// Everything that a policy bundle is made of, read from one snapshot in one round trip, with what the seal over it says.
    public func snapshot() async throws(StorageError) -> PolicySnapshot {
        try await PolicySnapshot.read(database, keys: keys)
    }

    static func generation(in database: Database) async throws(StorageError) -> Int64 {
        guard let row = try await database.read(SQLStatement(currentGeneration)).first else {
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

    private func upsert(_ policies: [NewPolicy], origin: String, by: String) throws(StorageError) -> SQLStatement {
        try SQLStatement(
            Self.store,
            Self.names(policies.map(\.key)) + [
                .texts(policies.map(\.text)), .texts(policies.map(\.digest)), .text(origin), .text(by),
            ])
    }

    private func removal(_ keys: some Sequence<PolicyKey>, by: String) throws(StorageError) -> SQLStatement {
        try SQLStatement(Self.remove, Self.names(keys.sorted()) + [.text(by)])
    }

    /// Stores documents in place of those with the old names, and carries the manifest on.
    func exchange(
        _ old: Set<PolicyKey>, for policies: [NewPolicy], origin: String, by: String, _ manifest: inout PolicyManifest
    ) throws(StorageError) -> [SQLStatement] {
        let gone = old.subtracting(policies.map(\.key))
        for key in gone { manifest.entries[.policy(key)] = nil }
        for policy in policies { manifest.put(policy, origin: origin, by: by) }
        return [try removal(gone, by: by), try upsert(policies, origin: origin, by: by)]
    }

    private static func requireUnowned(
        _ policies: [NewPolicy], _ snapshot: PolicySnapshot, by isForeign: (_ origin: String) -> Bool
    ) throws(StorageError) {
        let names = Set(policies.map(\.key))
        guard !snapshot.policies.contains(where: { names.contains($0.key) && isForeign($0.origin) }) else {
            throw .conflict("a policy of the same name belongs to another origin")
        }
    }

    static func made(_ generation: Int64?) throws(StorageError) -> Int64 {
        guard let generation else { throw .internal("a change that was due was not made") }
        return generation
    }

    static func names(_ keys: [PolicyKey]) -> [SQLValue] {
        [.texts(keys.map(\.kind)), .texts(keys.map { $0.namespace ?? "" }), .texts(keys.map(\.name))]
    }
}

extension PolicySnapshot {
    /// The names of the documents that are there, or should be, and have an origin that is meant.
    fileprivate func policies(in manifest: PolicyManifest, where isMeant: (_ origin: String) -> Bool) -> Set<PolicyKey>
    {
        manifest.policies(where: isMeant).union(policies.filter { isMeant($0.origin) }.map(\.key))
    }
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
