import Glibc
import Storage
import Synchronization

/// The PostgreSQL server of this test process, with one migrated database that tests copy.
final class TestServer: Sendable {
    static let shared = Task { try await TestServer.start() }

    private static let template = "claviger_template"
    private let server: PrivatePostgres
    private let clones = Atomic<Int>(0)

    private init(_ server: PrivatePostgres) { self.server = server }

    private static func start() async throws -> TestServer {
        let folder = "/tmp/claviger-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
        let server = try await PrivatePostgres.start(
            dataDirectory: folder,
            options: .init(
                maximumConnections: 500,
                settings: [
                    "fsync": "off", "full_page_writes": "off", "autovacuum": "off", "shared_buffers": "64MB",
                    "max_wal_senders": "0", "wal_level": "minimal",
                ],
                isDisposable: true))
        let dsn = try await server.createDatabase(template)
        let database = try await Database.connect(DatabaseConfiguration(dsn: dsn, connections: 1))
        try await Migrations.migrate(database)
        database.close()
        return TestServer(server)
    }

    func cloneTemplate() async throws -> String {
        let number = clones.wrappingAdd(1, ordering: .relaxed).newValue
        return try await server.createDatabase("test_\(number)", template: Self.template)
    }
}
