import Encodings
import FoundationEssentials

/// Collateral that all replicas share. Every row is sealed with the key ring, and a name never goes back to an older issue.
public struct CollateralRepository: Sendable {
    /// The channel that is notified with a name after each change.
    public static let channel = "claviger_collateral"
    private static let attempts = 100

    let database: Database
    let keys: KeyEncryptionKeyRing

    /// A repository over a migrated database; the keys seal what is stored.
    public init(_ database: Database, keys: KeyEncryptionKeyRing) {
        self.database = database
        self.keys = keys
    }

    /// The row of this name, nil if there is none.
    ///
    /// - Throws: `corrupt` when somebody else than a broker wrote it, changed it, or put an older one in its place.
    public func find(_ name: String) async throws(StorageError) -> StoredCollateral? {
        let (rows, marks) = try await readWithMarks(Self.select, [.text(name)])
        guard let row = rows.first else { return nil }
        let summary = try CollateralSummary(row)
        try requireAuthentic(summary, row, marks)
        let stored = StoredCollateral(summary: summary, content: try row.bytes(10))
        // The seal is over the digest, so that lists need no content.
        guard Self.digest(stored.content) == summary.digest else { throw Self.changed(name) }
        return stored
    }

    /// Rows whose names begin with `prefix` and come after `after`, ordered by name, at most `limit`; and for each whether it
    /// is as a broker left it (its content is not looked at).
    ///
    /// - Parameter renewed: Only those whose successor is due at some time.
    public func list(
        prefix: String = "", after: String = "", renewed: Bool = false, limit: Int
    ) async throws(StorageError) -> [(summary: CollateralSummary, isAuthentic: Bool)] {
        let (rows, marks) = try await readWithMarks(
            Self.selectMany, [.text(prefix), .text(after), .bool(renewed), .int(Int64(max(0, limit)))])
        var found: [(CollateralSummary, Bool)] = []
        for row in rows {
            // A row that a broker cannot have written must not keep the others from being seen.
            let summary = try CollateralSummary(row)
            found.append((summary, isAuthentic(summary, row, marks)))
        }
        return found
    }

    /// Stores a row in place of the one of its name, and raises the name's mark.
    ///
    /// - Parameter room: How many rows of the kind that is issued once and for all there may be, and which of them are not
    ///   given up for new ones.
    /// - Throws: `corrupt` when the marks are not as a broker left them.
    public func put(_ new: StoredCollateral, room: CollateralRoom) async throws(StorageError) -> CollateralStoring {
        let insertion = try insertion(new, limit: room.limit)
        guard let mark = new.summary.mark else { return try await put(insertion, room) }
        for _ in 0..<Self.attempts {
            var marks = try await marks()
            if let reached = marks.byName[new.summary.name], mark.isBehind(reached) { return .behind(reached) }
            marks.raise(new.summary.name, to: mark)
            do throws(StorageError) {
                _ = try await database.transaction(try marks.replacing(keys: keys) + [insertion])
                return .stored(evicted: 0)
            } catch {
                // Somebody else raised a mark; theirs must not be lost.
                guard error.code == .conflict else { throw error }
            }
        }
        throw .conflict("the marks of the collateral were changed meanwhile")
    }

    /// Stores a row that is issued once and for all, in place of the oldest ones where there is no more room.
    private func put(
        _ insertion: SQLStatement, _ room: CollateralRoom
    ) async throws(StorageError) -> CollateralStoring {
        guard try await database.transaction([insertion]).first?.isEmpty != false else { return .stored(evicted: 0) }
        let evicted = try await database.write(
            SQLStatement(
                Self.evict, [.int(Int64(room.limit)), .text(room.sparedSources), .texts(room.sparedNames)])
        ).affected
        guard evicted > 0 else { return .full }
        let isStored = try await database.transaction([insertion]).first?.isEmpty == false
        return isStored ? .stored(evicted: evicted) : .full
    }

    /// Whether there are marks.
    ///
    /// - Throws: `corrupt` when they are not as a broker left them, or when there are none though there are rows that must
    ///   have some.
    public func hasMarks() async throws(StorageError) -> Bool { try await marks().mac != nil }

    /// Raises the marks to what a broker knows of them; returns how many names were behind that, or not known any more.
    ///
    /// - Throws: `corrupt` as ``hasMarks()`` does: then nothing is written, because what the broker knows may not be all.
    public func restoreMarks(_ known: [String: CollateralMark]) async throws(StorageError) -> Int {
        for _ in 0..<Self.attempts {
            var marks = try await marks()
            let lost = known.filter { name, mark in marks.byName[name].map { $0.isBehind(mark) } ?? true }
            guard !lost.isEmpty else { return 0 }
            for (name, mark) in lost { marks.raise(name, to: mark) }
            do throws(StorageError) {
                _ = try await database.transaction(try marks.replacing(keys: keys))
                return lost.count
            } catch {
                guard error.code == .conflict else { throw error }
            }
        }
        throw .conflict("the marks of the collateral were changed meanwhile")
    }

    /// Seals all intact rows, and the marks, that are under another key-encryption key under the current one; returns how
    /// many rows.
    public func renewSeals() async throws(StorageError) -> Int {
        let (rows, marks) = try await readWithMarks(Self.underOtherKeys, [.text(keys.currentKeyID)])
        if let id = marks.keyID, id != keys.currentKeyID {
            _ = try await database.transaction(try marks.replacing(keys: keys))
        }
        var renewed = 0
        for row in rows {
            let summary = try CollateralSummary(row)
            guard isAuthentic(summary, row, marks) else { continue }
            renewed += try await database.write(
                SQLStatement(
                    Self.replaceSeal,
                    [
                        .text(summary.name), .bytes(try row.bytes(9)), .bytes(try seal(summary)),
                        .text(keys.currentKeyID),
                    ])
            ).affected
        }
        return renewed
    }

    /// Runs a statement that gives rows and the marks of the same moment: a row that is stored in between must not look
    /// like one that lies behind its mark.
    private func readWithMarks(
        _ sql: SQL, _ values: [SQLValue]
    ) async throws(StorageError) -> (rows: [SQLRow], marks: CollateralMarks) {
        var rows: [SQLRow] = []
        var marks = CollateralMarks()
        for row in try await database.read(SQLStatement(sql, values)) {
            if try row.bool(0) {
                marks = try CollateralMarks(
                    keyID: try row.text(1), entries: try row.text(3), mac: try row.bytes(2), keys: keys)
            } else {
                rows.append(row)
            }
        }
        return (rows, marks)
    }

    private func marks() async throws(StorageError) -> CollateralMarks {
        let rows = try await database.read(SQLStatement(CollateralMarks.select))
        guard let row = rows.first else { return CollateralMarks() }
        guard try row.bool(3) else { throw .corrupt("the marks of the collateral were taken away") }
        return try CollateralMarks(keyID: row.text(0), entries: row.text(1), mac: row.bytes(2), keys: keys)
    }

    private func isAuthentic(_ summary: CollateralSummary, _ row: SQLRow, _ marks: CollateralMarks) -> Bool {
        (try? requireAuthentic(summary, row, marks)) != nil
    }

    private func requireAuthentic(
        _ summary: CollateralSummary, _ row: SQLRow, _ marks: CollateralMarks
    ) throws(StorageError) {
        guard CollateralSummary.hasSequenceOrNone(row) else { throw Self.changed(summary.name) }
        guard (try? keys.open(row.bytes(9), purpose: .collateral, fields: summary.sealedFields())) != nil else {
            throw Self.changed(summary.name)
        }
        guard let mark = summary.mark else { return }
        guard let reached = marks.byName[summary.name], !mark.isBehind(reached) else {
            throw .corrupt("the collateral \(summary.name) was put back to an older one")
        }
    }

    private func seal(_ summary: CollateralSummary) throws(StorageError) -> [UInt8] {
        try keys.seal(SecretBytes([]), purpose: .collateral, fields: summary.sealedFields())
    }

    private func insertion(_ new: StoredCollateral, limit: Int) throws(StorageError) -> SQLStatement {
        let summary = new.summary
        return try SQLStatement(
            Self.store,
            [
                .text(summary.name), .bytes(new.content), .bytes(summary.digest), .text(summary.source),
                .date(summary.fetchedAt), .date(summary.issuedAt), .date(orNull: summary.nextUpdate),
                summary.sequence.map { .bytes(BoundContext.field(Int(truncatingIfNeeded: $0))) } ?? .null,
                .text(keys.currentKeyID), .bytes(try seal(summary)), .int(Int64(limit)),
            ])
    }

    private static func changed(_ name: String) -> StorageError {
        .corrupt("the collateral \(name) was changed by somebody else than a broker")
    }
}
