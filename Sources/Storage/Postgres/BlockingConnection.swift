import CLibPQ

/// Owns a `PGconn`.
///
/// Unchecked because the pointer is not `Sendable`: a connection is used by one thread at a time, first by the one that
/// connects and then by the loop that it is handed to, with the loop's mailbox lock between them; it is freed once, here.
final class ConnectionHandle: @unchecked Sendable {
    let pointer: OpaquePointer

    init(_ pointer: OpaquePointer) { self.pointer = pointer }

    deinit { PQfinish(pointer) }
}

/// How long the server lets a session work or wait.
struct SessionLimits: Sendable {
    var statement: Duration
    var lock: Duration
}

/// A connection whose calls block the calling thread: for connecting, migrating and preparing test databases. Never call
/// it on a thread of the Swift pool.
struct BlockingConnection {
    let handle: ConnectionHandle

    /// Connects, trying each host of the connection string, and sets up the session.
    ///
    /// - Throws: `unavailable`.
    init(_ string: ConnectionString, limits: SessionLimits?) throws(StorageError) {
        let pointer = string.withArrays { keywords, values in PQconnectdbParams(keywords, values, 0) }
        guard let pointer else { throw .unavailable("there is no memory for a database connection") }
        handle = ConnectionHandle(pointer)
        guard PQstatus(pointer) == CONNECTION_OK else {
            throw .unavailable("the database cannot be reached: \(Self.lastMessage(pointer))")
        }
        PQsetNoticeReceiver(pointer, { _, _ in }, nil)
        if let limits { try setUp(limits) }
    }

    private func setUp(_ limits: SessionLimits) throws(StorageError) {
        // A durable commit is part of what the ledger promises, whatever the server's default is; a stricter default stays.
        try run(
            """
            SELECT set_config('statement_timeout', '\(limits.statement.milliseconds)', false),
                   set_config('lock_timeout', '\(limits.lock.milliseconds)', false),
                   set_config('idle_in_transaction_session_timeout', '10000', false),
                   set_config('default_transaction_isolation', 'read committed', false),
                   set_config('TimeZone', 'UTC', false);
            SELECT set_config('synchronous_commit', 'on', false)
            WHERE current_setting('synchronous_commit') IN ('off', 'local');
            """)
    }

    /// Runs one or more statements without parameters.
    func run(_ text: String) throws(StorageError) { _ = try finish(PQexec(handle.pointer, text)) }

    /// Runs one statement and returns its rows in text format.
    func rows(_ text: String, _ parameters: [String] = []) throws(StorageError) -> [[String?]] {
        let owned = parameters.map { Array($0.utf8CString) }
        let result = Self.withPointers(owned) { pointers in
            PQexecParams(handle.pointer, text, Int32(owned.count), nil, pointers, nil, nil, 0)
        }
        let rows = try finish(result)
        return (0..<rows.rowCount).map { row in
            (0..<rows.columnCount).map { column in
                rows.withCell(row, column) { $0.map { String(decoding: $0, as: UTF8.self) } }
            }
        }
    }

    private func finish(_ result: OpaquePointer?) throws(StorageError) -> ResultHandle {
        guard let result else {
            throw .unavailable("the database connection broke: \(Self.lastMessage(handle.pointer))")
        }
        let rows = ResultHandle(result)
        switch rows.status {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return rows
        default: throw rows.failure.error
        }
    }

    private static func withPointers<Value>(
        _ texts: [[CChar]], _ body: (UnsafePointer<UnsafePointer<CChar>?>) -> Value
    ) -> Value {
        let all = texts.flatMap(\.self)
        return all.withUnsafeBufferPointer { buffer in
            var offset = 0
            var pointers: [UnsafePointer<CChar>?] = []
            for text in texts {
                pointers.append(buffer.baseAddress.map { $0 + offset })
                offset += text.count
            }
            return body(pointers + [nil])
        }
    }

    /// libpq's own words about a connection (hosts and causes; never a password), on one line.
    private static func lastMessage(_ pointer: OpaquePointer) -> String {
        guard let text = PQerrorMessage(pointer) else { return "no reason given" }
        return String(cString: text).split(whereSeparator: \.isNewline)
            .map { $0.drop { $0.isWhitespace } }.joined(separator: "; ")
    }
}
