import Crypto
import Encodings

/// One step of the schema. A released step is never edited; a change is a new step.
struct Migration: Sendable {
    let version: Int
    let name: String
    let text: String

    static let all: [Migration] = [
        .initial, .releaseLimits, .policySeal, .attestationResults, .collateral, .collateralChecks, .platforms,
        .policySources, .brokeredSecrets, .sourceRequests,
        .measurementSightings,
    ]

    /// SHA-256 of the text, lower-case hex.
    var checksum: String { Hex.encode(Array(SHA256.hash(data: Array(text.utf8)))) }
}

/// What has to be done to a database, decided from what it says was done.
struct MigrationPlan {
    let pending: [Migration]

    /// - Throws: `schema` when the database is newer than this program or was migrated by other texts.
    init(applied: [(version: Int, checksum: String)], known: [Migration]) throws(StorageError) {
        for (version, checksum) in applied {
            guard let migration = known.first(where: { $0.version == version }) else {
                throw StorageError(
                    code: .schema,
                    message:
                        "the database's schema has step \(version), which this program does not know: use a newer one")
            }
            guard migration.checksum == checksum else {
                throw StorageError(
                    code: .schema, message: "step \(version) of the database's schema was made by a different program")
            }
        }
        let done = Set(applied.map(\.version))
        pending = known.filter { !done.contains($0.version) }.sorted { $0.version < $1.version }
        if let last = done.max(), let first = pending.first, first.version < last {
            throw StorageError(
                code: .schema, message: "the database's schema lacks step \(first.version) but has later ones")
        }
    }
}
