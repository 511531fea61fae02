public import FoundationEssentials

/// What a broker that is alive says of itself.
public struct Replica: Sendable, Hashable {
    /// Names the broker's process: a host name and some random digits.
    public let id: String
    /// The generation of the policies that it decides by.
    public let generation: Int64
    /// The digest of the bundle that it decides by.
    public let bundleDigest: String
    /// Why it does not decide at all; nil when it does.
    public let problem: String?
    /// When it was first seen, by the database's clock.
    public let startedAt: Date
    /// When it was last seen, by the database's clock.
    public let seenAt: Date
}

/// The brokers on one database. For people who want to know; nothing is decided by it, and it is not authenticated.
public struct ReplicaRepository: Sendable {
    /// A broker that was silent for longer is not alive, in seconds.
    public static let lifetime: Double = 20

    private let database: Database

    /// A repository over a migrated database.
    public init(_ database: Database) { self.database = database }

    /// Says that a broker is alive, and forgets those that are not.
    public func report(
        id: String, generation: Int64, bundleDigest: String, problem: String?
    ) async throws(StorageError) {
        _ = try await database.transaction([
            SQLStatement(
                Self.store, [.text(id), .int(generation), .text(bundleDigest), .text(orNull: problem)]),
            SQLStatement(Self.sweep),
        ])
    }

    /// Says that a broker ends.
    public func remove(id: String) async throws(StorageError) {
        _ = try await database.write(SQLStatement(Self.delete, [.text(id)]))
    }

    /// The brokers that are alive, ordered by id.
    public func list() async throws(StorageError) -> [Replica] {
        var replicas: [Replica] = []
        for row in try await database.read(SQLStatement(Self.select)) {
            replicas.append(
                Replica(
                    id: try row.text(0), generation: try row.int(1), bundleDigest: try row.text(2),
                    problem: try row.optionalText(3), startedAt: try row.date(4), seenAt: try row.date(5)))
        }
        return replicas
    }

    private static let store = SQL(
        """
        INSERT INTO replicas (id, generation, bundle_digest, problem)
        VALUES ($1::text, $2::bigint, $3::text, $4::text)
        ON CONFLICT (id) DO UPDATE SET generation = excluded.generation, bundle_digest = excluded.bundle_digest,
            problem = excluded.problem, seen_at = now()
        """)

    private static let delete = SQL("DELETE FROM replicas WHERE id = $1::text")

    private static let sweep = SQL("DELETE FROM replicas WHERE seen_at < now() - interval '\(Int(lifetime)) seconds'")

    private static let select = SQL(
        """
        SELECT id, generation, bundle_digest, problem, started_at, seen_at FROM replicas
        WHERE seen_at >= now() - interval '\(Int(lifetime)) seconds' ORDER BY id
        """)
}
