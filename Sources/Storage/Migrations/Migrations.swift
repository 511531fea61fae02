/// Brings the schema of a database up to what this program needs.
public enum Migrations {
    /// Any fixed number: "claviger" as bytes.
    private static let advisoryLock: Int64 = 0x636c_6176_6967_6572
    private static let limits = SessionLimits(statement: .seconds(120), lock: .seconds(60))

    /// Applies the steps that are missing, each in a transaction, while an advisory lock keeps other brokers waiting.
    ///
    /// - Throws: `schema` when the database is newer than this program or was changed by another one; `unavailable`,
    ///   `timeout`.
    public static func migrate(_ database: Database) async throws(StorageError) {
        try await migrate(database, Migration.all)
    }

    static func migrate(_ database: Database, _ known: [Migration]) async throws(StorageError) {
        let string = database.string
        try await BlockingThread.run("claviger-schema") { () throws(StorageError) in
            // The connection takes the lock with it when it ends.
            let connection = try BlockingConnection(string, limits: limits)
            try connection.run("SELECT pg_advisory_lock(\(advisoryLock))")
            try connection.run(
                """
                CREATE TABLE IF NOT EXISTS claviger_migrations (
                    version integer PRIMARY KEY,
                    name text NOT NULL,
                    checksum text NOT NULL,
                    applied_at timestamptz NOT NULL DEFAULT now()
                )
                """)
            let plan = try MigrationPlan(applied: appliedSteps(connection), known: known)
            for migration in plan.pending { try apply(migration, connection) }
        }
    }

    private static func appliedSteps(
        _ connection: BlockingConnection
    ) throws(StorageError) -> [(version: Int, checksum: String)] {
        var steps: [(version: Int, checksum: String)] = []
        for row in try connection.rows("SELECT version, checksum FROM claviger_migrations ORDER BY version") {
            guard let version = row[0].flatMap({ Int($0) }), let checksum = row[1] else { continue }
            steps.append((version, checksum))
        }
        return steps
    }

    private static func apply(_ migration: Migration, _ connection: BlockingConnection) throws(StorageError) {
        try connection.run("BEGIN")
        do {
            try connection.run(migration.text)
            _ = try connection.rows(
                "INSERT INTO claviger_migrations (version, name, checksum) VALUES ($1::integer, $2, $3)",
                [String(migration.version), migration.name, migration.checksum])
            try connection.run("COMMIT")
        } catch {
            try? connection.run("ROLLBACK")
            throw error
        }
    }
}
