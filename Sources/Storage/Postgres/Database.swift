import FoundationEssentials

/// How to reach the database and how long to wait for it.
public struct DatabaseConfiguration: Sendable {
    /// A PostgreSQL connection string, URI or keywords; several hosts are allowed. `target_session_attrs=read-write` is
    /// added when it is absent.
    public var dsn: String
    /// Connections to keep open; 2 to 4 carry all that a broker can do.
    public var connections: Int
    /// How long the server lets one statement run.
    public var statementTimeout: Duration
    /// How long a caller waits for one request, queueing included.
    public var requestTimeout: Duration
    /// How long a statement waits for a lock.
    public var lockTimeout: Duration
    /// Requests that may be open at a time; further ones fail at once with `unavailable`.
    public var queueLimit: Int

    /// A configuration with everything but the connection string at its default.
    public init(
        dsn: String, connections: Int = 2, statementTimeout: Duration = .seconds(5),
        requestTimeout: Duration = .seconds(5), lockTimeout: Duration = .seconds(3), queueLimit: Int = 4096
    ) {
        self.dsn = dsn
        self.connections = connections
        self.statementTimeout = statementTimeout
        self.requestTimeout = requestTimeout
        self.lockTimeout = lockTimeout
        self.queueLimit = queueLimit
    }

    var limits: SessionLimits { SessionLimits(statement: statementTimeout, lock: lockTimeout) }
}

/// A PostgreSQL database: a few connections in pipeline mode, shared by all tasks, that come back by themselves.
///
/// All functions can be called from any task. A cancelled task stops waiting at once with `cancelled`; a write that was
/// already sent may still take effect.
public final class Database: Sendable {
    /// The configuration that this was connected with.
    public let configuration: DatabaseConfiguration
    let string: ConnectionString
    private let mailbox: LoopMailbox
    private let catalog = SQLCatalog()

    private init(_ configuration: DatabaseConfiguration) throws(StorageError) {
        self.configuration = configuration
        string = try ConnectionString(configuration.dsn)
        mailbox = try LoopMailbox(limit: configuration.queueLimit)
    }

    deinit { mailbox.close() }

    /// Connects, and waits until the first connection answers.
    ///
    /// - Throws: `invalid` for a malformed connection string, `unavailable` or `timeout` when the database does not answer.
    public static func connect(_ configuration: DatabaseConfiguration) async throws(StorageError) -> Database {
        let database = try Database(configuration)
        try DatabaseLoop.start(database.mailbox, database.string, configuration)
        try await database.ping()
        return database
    }

    /// Fails all waiting requests and ends the connections. Nothing can be done with the database afterwards.
    public func close() { mailbox.close() }

    /// Asks the database for a sign of life.
    ///
    /// - Throws: `unavailable` or `timeout`.
    public func ping() async throws(StorageError) { _ = try await read(SQLStatement(Self.signOfLife)) }

    private static let signOfLife = SQL("SELECT 1")

    /// Runs one statement of any kind in a transaction of its own. The text is prepared once per connection: values belong
    /// into `params`, as `$1::type`.
    ///
    /// - Throws: any `StorageError`.
    public func query(_ sql: String, _ params: [SQLValue] = []) async throws(StorageError) -> SQLRows {
        try await write(SQLStatement(catalog.sql(sql), params))
    }

    /// Runs one statement that only reads; it may be sent twice and may share a batch with others.
    func read(_ statement: SQLStatement) async throws(StorageError) -> SQLRows {
        try Self.only(await perform([statement], .read))
    }

    /// Runs one statement in a transaction of its own.
    func write(_ statement: SQLStatement) async throws(StorageError) -> SQLRows {
        try Self.only(await perform([statement], .write))
    }

    /// Runs statements in one transaction, each with a snapshot of its own: all take effect or none.
    func transaction(_ statements: [SQLStatement]) async throws(StorageError) -> [SQLRows] {
        guard !statements.isEmpty else { return [] }
        return try await perform(statements, .write)
    }

    private static func only(_ results: [SQLRows]) throws(StorageError) -> SQLRows {
        guard let rows = results.first else { throw .internal("a statement had no result") }
        return rows
    }

    private func perform(_ statements: [SQLStatement], _ kind: RequestKind) async throws(StorageError) -> [SQLRows] {
        let request = Request(
            statements: statements, kind: kind,
            deadline: MonotonicTime.now + configuration.requestTimeout.nanoseconds, gauge: mailbox.gauge)
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                request.attach(continuation)
                mailbox.submit(request)
            }
        } onCancel: {
            request.settle(.failure(.cancelled))
        }
        return try answer.get()
    }
}
