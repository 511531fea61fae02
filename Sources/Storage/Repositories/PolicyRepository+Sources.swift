/// Policies that a source sends as a whole, again and again. The fence keeps out a leader that was overtaken without knowing
/// it; it is compared in the transaction that stores the documents. Fence and objects are no part of the seal: they decide
/// nothing but which authenticated writer is taken.
extension PolicyRepository {
    /// All sources that wrote and were not forgotten since, ordered by name.
    public func sources() async throws(StorageError) -> [PolicySource] { try await selectSources(nil) }

    /// One source; nil when there is nothing of it.
    public func source(_ name: String) async throws(StorageError) -> PolicySource? {
        try await selectSources(name).first
    }

    /// Which object each document of a source is, as far as it said.
    public func uids(ofSource name: String) async throws(StorageError) -> [PolicyKey: String] {
        var uids: [PolicyKey: String] = [:]
        for row in try await database.read(SQLStatement(Self.selectUIDs, [.text(name)])) {
            let key = PolicyKey(kind: try row.text(0), namespace: try row.text(1), name: try row.text(2))
            uids[key] = try row.text(3)
        }
        return uids
    }

    /// Makes a change to a source's documents, in one transaction and one generation; nothing is a new generation when no
    /// document changes.
    ///
    /// - Parameter seen: The generation that the change was made for.
    /// - Returns: The generation afterwards.
    /// - Throws: `conflict` when the generation is not `seen` any more, a later leader, or this one later, wrote for this
    ///   source, a document belongs to another origin than this source or ``installed``, or there are too many sources;
    ///   `corrupt` when the seal is not good. Nothing is changed then.
    public func apply(
        _ change: PolicySourceChange, by author: String, after seen: Int64
    ) async throws(StorageError) -> Int64 {
        let notes = try Self.notes(change, by: author)
        guard !change.put.isEmpty || !change.removed.isEmpty else {
            let held = [try SQLStatement(Self.holdGeneration), try SQLStatement(SealedChange.require, [.int(seen)])]
            _ = try await database.transaction(held + notes)
            return seen
        }
        let origin = PolicySource.origin(change.source)
        let generation = try await self.change(after: seen) { snapshot, manifest throws(StorageError) in
            for key in change.removed.union(change.put.map(\.key)) {
                guard let owner = snapshot.origin(of: key), owner != origin else { continue }
                guard owner == Self.installed, !change.removed.contains(key) else {
                    throw .conflict("\(key) belongs to \(owner)")
                }
            }
            let documents = try exchange(change.removed, for: change.put, origin: origin, by: author, &manifest)
            return notes + documents
        }
        return try Self.made(generation)
    }

    /// Forgets a source with its fence, and removes its documents. Returns the new generation, or nil if there is none.
    ///
    /// - Parameter seen: The generation that the change was made for.
    /// - Throws: `conflict` when the generation is not `seen` any more, `corrupt` when the seal is not good.
    public func removeSource(
        _ name: String, by author: String, after seen: Int64
    ) async throws(StorageError) -> Int64? {
        guard try await source(name) != nil else { return nil }
        return try await change(after: seen) { snapshot, manifest throws(StorageError) in
            let origin = PolicySource.origin(name)
            let documents = try exchange(
                snapshot.names(ofOrigin: origin), for: [], origin: origin, by: author, &manifest)
            let none = Self.names([])
            return documents + [
                try SQLStatement(Self.forgetUIDs, [.text(name)] + none),
                try SQLStatement(Self.forgetSource, [.text(name)]),
            ]
        }
    }

    /// Forgets a source's fence and which objects its documents are, and leaves the documents. Returns false if there is none.
    public func forgetSource(_ name: String) async throws(StorageError) -> Bool {
        guard try await source(name) != nil else { return false }
        _ = try await database.transaction([
            try SQLStatement(Self.forgetUIDs, [.text(name)] + Self.names([])),
            try SQLStatement(Self.forgetSource, [.text(name)]),
        ])
        return true
    }

    private func selectSources(_ name: String?) async throws(StorageError) -> [PolicySource] {
        var sources: [PolicySource] = []
        for row in try await database.read(SQLStatement(Self.selectSources, [.text(orNull: name)])) {
            sources.append(
                PolicySource(
                    name: try row.text(0), fence: try row.int(1), documents: Int(try row.int(4)),
                    updatedAt: try row.date(2), updatedBy: try row.text(3)))
        }
        return sources
    }

    /// The statements that compare and raise the fence, and note which object each document is.
    private static func notes(
        _ change: PolicySourceChange, by author: String
    ) throws(StorageError) -> [SQLStatement] {
        let uids = change.uids.sorted { $0.key < $1.key }
        let names = names(uids.map(\.key))
        let number = change.sequence.map {
            SourceRequestNumber(subject: SourceRequestNumber.policies, fence: change.fence, sequence: $0)
        }
        return try fencing(change.source, change.fence, by: author) + numbering(number, of: change.source) + [
            try forgettingRequests(of: change.source, before: change.fence),
            try SQLStatement(forgetUIDs, [.text(change.source)] + names),
            try SQLStatement(noteUIDs, [.text(change.source)] + names + [.texts(uids.map(\.value))]),
        ]
    }

    /// The statements that compare and raise the fence of a source, whatever it is that it writes.
    static func fencing(
        _ source: String, _ fence: Int64, by author: String
    ) throws(StorageError) -> [SQLStatement] {
        [
            try SQLStatement(lockRoom, [.text(source)]),
            try SQLStatement(requireRoom, [.text(source), .int(Int64(PolicySource.maximumCount))]),
            try SQLStatement(raiseFence, [.text(source), .int(fence), .text(author)]),
            try SQLStatement(requireFence, [.text(source), .int(fence)]),
        ]
    }

    /// Whether a source may write: it has before, or there is room for one more.
    public func hasRoom(forSource name: String) async throws(StorageError) -> Bool {
        let rows = try await database.read(
            SQLStatement(Self.selectRoom, [.text(name), .int(Int64(PolicySource.maximumCount))]))
        return try rows.first?.bool(0) ?? false
    }

    private static let holdGeneration = SQL("SELECT value FROM generation FOR SHARE")

    private static let selectSources = SQL(
        """
        SELECT name, fence, updated_at, updated_by,
            (SELECT count(*) FROM policies p WHERE p.origin = 'source/' || s.name)
        FROM policy_sources s
        WHERE $1::text IS NULL OR name = $1::text ORDER BY name
        """)

    private static let selectUIDs = SQL(
        "SELECT kind, namespace, name, uid FROM policy_source_documents WHERE source = $1::text")

    private static let raiseFence = SQL(
        """
        INSERT INTO policy_sources AS s (name, fence, updated_by) VALUES ($1::text, $2::bigint, $3::text)
        ON CONFLICT (name) DO UPDATE
            SET fence = excluded.fence, updated_at = now(), updated_by = excluded.updated_by
            WHERE s.fence <= excluded.fence
        """)

    private static let requireFence = SQL(
        """
        SELECT claviger_require(fence = $2::bigint, 'a later leader wrote for this source')
        FROM policy_sources WHERE name = $1::text
        """)

    /// Of two new sources at once the second one counts the first.
    private static let lockRoom = SQL(
        """
        SELECT claviger_lock(
            CASE WHEN EXISTS (SELECT FROM policy_sources WHERE name = $1::text) THEN ARRAY[]::text[]
                ELSE ARRAY['claviger sources'] END, ARRAY[]::text[])
        """)

    /// Sources that there are go on, however many there came to be.
    private static let requireRoom = SQL(
        """
        SELECT claviger_require(
            EXISTS (SELECT FROM policy_sources WHERE name = $1::text)
                OR (SELECT count(*) FROM policy_sources) < $2::bigint, 'there are too many sources of policies')
        """)

    private static let selectRoom = SQL(
        "SELECT count(*) < $2::bigint OR coalesce(bool_or(name = $1::text), false) FROM policy_sources")

    private static let forgetSource = SQL("DELETE FROM policy_sources WHERE name = $1::text")

    private static let forgetUIDs = SQL(
        """
        DELETE FROM policy_source_documents d WHERE source = $1::text AND NOT EXISTS (
            SELECT FROM unnest($2::text[], $3::text[], $4::text[]) AS n (kind, namespace, name)
            WHERE (n.kind, n.namespace, n.name) = (d.kind, d.namespace, d.name))
        """)

    private static let noteUIDs = SQL(
        """
        INSERT INTO policy_source_documents AS d (source, kind, namespace, name, uid)
        SELECT $1::text, n.kind, n.namespace, n.name, n.uid
        FROM unnest($2::text[], $3::text[], $4::text[], $5::text[]) AS n (kind, namespace, name, uid)
        ON CONFLICT (kind, namespace, name) DO UPDATE SET source = excluded.source, uid = excluded.uid
            WHERE (d.source, d.uid) IS DISTINCT FROM (excluded.source, excluded.uid)
        """)
}
