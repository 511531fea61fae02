import FoundationEssentials
import Glibc
import Processes
import Synchronization

/// A PostgreSQL server of our own in a data folder, reachable over a Unix socket only, that ends with this process.
///
/// PostgreSQL refuses to run as root; a root process starts it as the user `postgres`, or `nobody` where there is none.
public final class PrivatePostgres: Sendable {
    /// How the server is set up.
    public struct Options: Sendable {
        /// Connections that the server takes.
        public var maximumConnections: Int
        /// Further settings of `postgresql.conf`, by name.
        public var settings: [String: String]
        /// True to throw the data folder away when the server or this process ends, even when it is killed.
        public var isDisposable: Bool

        /// Options; by default the data stays and the server's own settings hold.
        public init(maximumConnections: Int = 100, settings: [String: String] = [:], isDisposable: Bool = false) {
            self.maximumConnections = maximumConnections
            self.settings = settings
            self.isDisposable = isDisposable
        }
    }

    /// The name of the database that is made at the first start.
    public static let databaseName = "claviger"
    private static let role = "claviger"
    private static let patience = 30

    /// Where the server keeps its data.
    public var dataDirectory: String { folder.path }
    private let folder: PostgresFolder
    private let server: SupervisedProcess
    private let reaper: FolderReaper?
    private let isDisposable: Bool

    private init(_ folder: PostgresFolder, _ server: SupervisedProcess, _ reaper: FolderReaper?, isDisposable: Bool) {
        self.folder = folder
        self.server = server
        self.reaper = reaper
        self.isDisposable = isDisposable
    }

    deinit { server.signal(isDisposable ? SIGQUIT : SIGINT) }

    /// The connection string of the first database.
    public var dsn: String { dsn(database: Self.databaseName) }

    /// The server's process id; nil once it has ended.
    public var processID: Int32? { server.id }

    /// The connection string of a database of this server.
    public func dsn(database: String) -> String {
        "host=\(Self.quoted(folder.socketDirectory)) user=\(Self.role) dbname=\(Self.quoted(database))"
    }

    private static func quoted(_ value: String) -> String {
        "'" + value.map { $0 == "'" || $0 == "\\" ? "\\\($0)" : String($0) }.joined() + "'"
    }

    /// Starts a server, setting the folder up when it is empty or absent, and returns when it takes connections.
    ///
    /// - Throws: `unavailable` with the reason: no PostgreSQL programs, a folder that its user cannot enter, data of another
    ///   version, another server in the folder.
    public static func start(
        dataDirectory: String, options: Options = Options()
    ) async throws(StorageError) -> PrivatePostgres {
        try await BlockingThread.run("claviger-pgstart") { () throws(StorageError) in
            let programs = try PostgresPrograms.find()
            let folder = try PostgresFolder(path: dataDirectory)
            do throws(StorageError) {
                return try start(programs, folder, options)
            } catch {
                folder.removeForeignSocketFolder()
                throw error
            }
        }
    }

    private static func start(
        _ programs: PostgresPrograms, _ folder: PostgresFolder, _ options: Options
    ) throws(StorageError) -> PrivatePostgres {
        try folder.awaitRelease()
        let reaper = options.isDisposable ? try FolderReaper([folder.path, folder.socketDirectory]) : nil
        try folder.initialise(programs, role: role)
        let child = try folder.serverProcess(programs, options)
        defer { close(child.output) }
        let server = try starting { () throws(ProcessError) in
            try SupervisedProcess.start(child, endingWith: options.isDisposable ? SIGQUIT : SIGINT)
        }
        if let process = server.id { reaper?.watch(process) }
        let postgres = PrivatePostgres(folder, server, reaper, isDisposable: options.isDisposable)
        do throws(StorageError) {
            try postgres.awaitReadiness()
            try postgres.createFirstDatabase()
        } catch {
            postgres.stopBlocking()
            throw error
        }
        return postgres
    }

    private func awaitReadiness() throws(StorageError) {
        let string = try ConnectionString(dsn(database: "postgres"))
        for _ in 0..<(Self.patience * 50) where server.isRunning {
            // Another server could answer at the same socket.
            if folder.lockHolder == server.id, (try? BlockingConnection(string, limits: nil)) != nil { return }
            usleep(20_000)
        }
        throw .unavailable("the private PostgreSQL in \(folder.path) did not start: \(folder.lastLogLines())")
    }

    private func createFirstDatabase() throws(StorageError) {
        let connection = try BlockingConnection(ConnectionString(dsn(database: "postgres")), limits: nil)
        let found = try connection.rows("SELECT 1 FROM pg_database WHERE datname = $1", [Self.databaseName])
        if found.isEmpty { try connection.run("CREATE DATABASE \"\(Self.databaseName)\"") }
    }

    /// Makes a database, as a copy of `template` if one is named (nobody may be connected to that), and returns its
    /// connection string.
    ///
    /// - Throws: `invalid` for a name with other characters than `a-z 0-9 _`; `unavailable`.
    public func createDatabase(_ name: String, template: String? = nil) async throws(StorageError) -> String {
        let parts = [name] + (template.map { [$0] } ?? [])
        guard parts.allSatisfy(Self.isPlainName) else { throw .invalid("a database name has only a-z, 0-9 and _") }
        let string = try ConnectionString(dsn(database: "postgres"))
        try await BlockingThread.run("claviger-pgmake") { () throws(StorageError) in
            let connection = try BlockingConnection(string, limits: nil)
            try connection.run("CREATE DATABASE \(name)" + (template.map { " TEMPLATE \($0)" } ?? ""))
        }
        return dsn(database: name)
    }

    private static func isPlainName(_ name: String) -> Bool {
        !name.isEmpty && name.utf8.count < 64
            && name.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
    }

    /// Stops the server: a disposable one at once, another after its open transactions are rolled back and all is on disk.
    public func stop() async {
        _ = try? await BlockingThread.run("claviger-pgstop") { () throws(StorageError) in self.stopBlocking() }
    }

    private func stopBlocking() {
        server.signal(isDisposable ? SIGQUIT : SIGINT)
        server.awaitEnd(seconds: Self.patience)
        reaper?.reap()
        folder.removeForeignSocketFolder()
    }
}
