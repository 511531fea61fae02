import Encodings
import FoundationEssentials

/// The newest firmware that each machine was accepted with, shared by all brokers on a database.
///
/// Rows belong to no tenant: a machine serves many, and firmware that was rolled back while one tenant's guest ran there is
/// rolled back for all. They are bounded in number, and those that were not seen for longest go first. Each is sealed with
/// the key ring, so that nobody lowers a level by writing into the database; that a row was taken away, or put back to an
/// older one, cannot be seen.
public struct PlatformRepository: Sendable {
    /// The most machines that are remembered.
    public static let maximumPlatforms: Int64 = 100_000
    /// Sightings that change nothing are written down no more often than this, in seconds.
    public static let sightingGranularity: Int64 = 3_600
    private static let attempts = 100
    private static let page: Int64 = 1_000

    let database: Database
    let keys: KeyEncryptionKeyRing
    private let limit: Int64

    /// A repository over a migrated database; the keys seal what is stored.
    ///
    /// - Parameter limit: The most machines that are remembered.
    public init(_ database: Database, keys: KeyEncryptionKeyRing, limit: Int64 = maximumPlatforms) {
        self.database = database
        self.keys = keys
        self.limit = limit
    }

    /// Compares a machine with what it was accepted with before, and remembers what is higher now.
    ///
    /// Any number of brokers may do this at once for one machine: what is remembered never falls. Components that the
    /// sighting does not name are neither compared nor changed.
    ///
    /// - Returns: the remembered level of every component that is lower now; empty for a machine that was never seen.
    /// - Throws: `key_unknown` when the row is under a key that the ring does not have, `corrupt` when it was changed by
    ///   somebody else than a broker.
    public func observe(_ sighting: PlatformSighting) async throws(StorageError) -> [String: Int64] {
        for _ in 0..<Self.attempts {
            guard let row = try await database.read(SQLStatement(Self.select, [.bytes(sighting.id)])).first else {
                if try await insert(sighting) { return [:] }
                continue
            }
            let known = try StoredPlatform(row, keys: keys)
            let sealed = try row.bytes(7)
            guard known.isAuthentic, known.maker == sighting.maker else {
                throw keys.lacksKey(of: sealed) ? Self.sealedElsewhere(sighting.id) : Self.changed(sighting.id)
            }
            if try await raise(known, to: sighting, sealed: sealed, isDue: row.bool(8)) {
                return known.levels.filter { name, level in sighting.levels[name].map { $0 < level } ?? false }
            }
        }
        throw .unavailable("what is remembered of a machine changes too fast")
    }

    /// Machines whose ids come after `after`, ordered by id, at most `limit`.
    public func list(after: [UInt8] = [], limit: Int) async throws(StorageError) -> [StoredPlatform] {
        let rows = try await database.read(
            SQLStatement(Self.selectMany, [.bytes(after), .int(Int64(max(0, limit)))]))
        var platforms: [StoredPlatform] = []
        for row in rows { platforms.append(try StoredPlatform(row, keys: keys)) }
        return platforms
    }

    /// Forgets a machine and records who did it, both or nothing.
    ///
    /// - Throws: `notFound` when nothing is remembered of it.
    public func forget(_ id: [UInt8], record: DecisionRecord) async throws(StorageError) {
        let removal = try SQLStatement(Self.remove, [.bytes(id)])
        do throws(StorageError) {
            _ = try await database.transaction([removal, try DecisionRepository.insertion(of: [record])])
        } catch {
            guard error.code == .conflict else { throw error }
            throw StorageError(code: .notFound, message: "nothing is remembered of this machine")
        }
    }

    /// Seals all intact rows that are under another key-encryption key under the current one; returns how many.
    public func renewSeals() async throws(StorageError) -> Int {
        var renewed = 0
        var last: [UInt8] = []
        while true {
            let rows = try await database.read(
                SQLStatement(Self.underOtherKeys, [.text(keys.currentKeyID), .bytes(last), .int(Self.page)]))
            for row in rows {
                last = try row.bytes(0)
                guard try StoredPlatform(row, keys: keys).isAuthentic else { continue }
                let seal = try seal(last, maker: row.text(1), levels: row.text(2), about: row.text(3))
                renewed += try await database.write(
                    SQLStatement(
                        Self.replaceSeal,
                        [.bytes(last), .bytes(try row.bytes(7)), .text(keys.currentKeyID), .bytes(seal)])
                ).affected
            }
            guard rows.count >= Self.page else { return renewed }
        }
    }

    /// Whether the row is new; another broker may have made one meanwhile.
    private func insert(_ sighting: PlatformSighting) async throws(StorageError) -> Bool {
        let levels = PlatformLevelText(sighting.levels).text
        let about = sighting.about.serializedString()
        let results = try await database.transaction([
            // One at a time, so that the number of rows is exact. New machines are rare.
            try SQLStatement(Self.lock),
            try SQLStatement(
                Self.store,
                [
                    .bytes(sighting.id), .text(sighting.maker), .text(levels), .text(about),
                    .text(keys.currentKeyID),
                    .bytes(try seal(sighting.id, maker: sighting.maker, levels: levels, about: about)),
                ]),
            try SQLStatement(Self.evict, [.int(limit)]),
        ])
        return results[1].affected == 1
    }

    /// Whether the row was still the one that was looked at.
    private func raise(
        _ known: StoredPlatform, to sighting: PlatformSighting, sealed: [UInt8], isDue: Bool
    ) async throws(StorageError) -> Bool {
        let raised = known.levels.merging(sighting.levels.filter { $0.value > 0 }) { max($0, $1) }
        guard raised != known.levels else {
            if isDue { _ = try await database.write(SQLStatement(Self.touch, [.bytes(known.id)])) }
            return true
        }
        let levels = PlatformLevelText(raised).text
        let about = sighting.about.serializedString()
        return try await database.write(
            SQLStatement(
                Self.update,
                [
                    .bytes(known.id), .bytes(sealed), .text(levels), .text(about), .text(keys.currentKeyID),
                    .bytes(try seal(known.id, maker: known.maker, levels: levels, about: about)),
                ])
        ).affected == 1
    }

    private func seal(
        _ id: [UInt8], maker: String, levels: String, about: String
    ) throws(StorageError) -> [UInt8] {
        try keys.seal(
            SecretBytes([]), purpose: .platform,
            fields: StoredPlatform.sealedFields(id, maker: maker, levels: levels, about: about))
    }

    private static func sealedElsewhere(_ id: [UInt8]) -> StorageError {
        .keyUnknown(
            "what is remembered of the machine \(Hex.encode(id)) is sealed under a key-encryption key that this broker "
                + "does not have: give all brokers the same keys; if the key is lost, have the machine forgotten")
    }

    private static func changed(_ id: [UInt8]) -> StorageError {
        .corrupt("what is remembered of the machine \(Hex.encode(id)) was changed by somebody else than a broker")
    }
}

extension StoredPlatform {
    static func sealedFields(_ id: [UInt8], maker: String, levels: String, about: String) -> [[UInt8]] {
        [id] + [maker, levels, about].map { Array($0.utf8) }
    }

    /// A row of the repository's columns.
    init(_ row: SQLRow, keys: KeyEncryptionKeyRing) throws(StorageError) {
        id = try row.bytes(0)
        maker = try row.text(1)
        let (levelText, aboutText) = (try row.text(2), try row.text(3))
        let fields = Self.sealedFields(id, maker: maker, levels: levelText, about: aboutText)
        let isSealed = (try? keys.open(row.bytes(7), purpose: .platform, fields: fields)) != nil
        // What nobody vouches for may be anything, and is shown as nothing.
        levels = isSealed ? try PlatformLevelText(stored: levelText).levels : [:]
        about = isSealed ? (try? JSONObject(parsing: Array(aboutText.utf8))) ?? [:] : [:]
        isAuthentic = isSealed
        firstSeen = try row.date(4)
        raisedAt = try row.date(5)
        lastSeen = try row.date(6)
    }
}
