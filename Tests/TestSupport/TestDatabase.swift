import Storage
import Synchronization

/// A migrated database of a test's own, on a server that the whole test process shares.
///
/// Server and data vanish when the process ends, also when it is killed.
public struct TestDatabase: Sendable {
    /// A connection pool; closed when the last copy goes.
    public let database: Database
    /// The connection string, for further pools: a second replica.
    public let dsn: String
    /// A fresh key ring.
    public let keys: KeyEncryptionKeyRing
    private let place: TestPlaces.Place

    /// Makes a database that nobody else uses, with all tables and no rows.
    ///
    /// - Throws: `StorageError`.
    public static func make(connections: Int = 2) async throws -> TestDatabase {
        let place = await TestPlaces.shared.take()
        let dsn = try await TestServer.shared.value.cloneTemplate()
        let database = try await Database.connect(patient(dsn, connections))
        return TestDatabase(database: database, dsn: dsn, keys: .generate(), place: place)
    }

    /// Another connection pool to the same database.
    ///
    /// - Throws: `StorageError`.
    public func connect(connections: Int = 2) async throws -> Database {
        try await Database.connect(Self.patient(dsn, connections))
    }

    /// Tests share a machine that may be busy with others: an answer may take long, as nothing is said about its time here.
    private static func patient(_ dsn: String, _ connections: Int) -> DatabaseConfiguration {
        DatabaseConfiguration(
            dsn: dsn, connections: connections, statementTimeout: .seconds(60), requestTimeout: .seconds(60))
    }
}
