import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Storage

@Suite("The database", .timeLimit(.minutes(5)))
struct DatabaseTests {
    private static let echo = SQL("SELECT $1::bigint")
    private static let divide = SQL("SELECT 100 / $1::bigint")

    @Test("1000 concurrent reads each get their own answer")
    func manyReads() async throws {
        let database = try await TestDatabase.make().database
        let sum = try await withThrowingTaskGroup(of: Int64.self) { group in
            for number in 0..<Int64(1000) {
                group.addTask {
                    let rows = try await database.read(SQLStatement(Self.echo, [.int(number)]))
                    let answer = try #require(rows.first).int(0)
                    #expect(answer == number)
                    return answer
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(sum == 499_500)
    }

    @Test("failing statements among concurrent reads and writes do not break their neighbours")
    func isolation() async throws {
        let database = try await TestDatabase.make().database
        let results = await withTaskGroup(of: (Int64, Result<Int64, StorageError>).self) { group in
            for number in 0..<Int64(400) {
                group.addTask {
                    let divisor = number % 4
                    let result = await outcome { () async throws(StorageError) in
                        let statement = try SQLStatement(Self.divide, [.int(divisor)])
                        let rows =
                            number % 8 < 4 ? try await database.read(statement) : try await database.write(statement)
                        return try rows[0].int(0)
                    }
                    return (divisor, result)
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        for (divisor, result) in results {
            switch result {
            case .success(let value): #expect(divisor != 0 && value == 100 / divisor)
            case .failure(let error): #expect(divisor == 0 && error.code == .invalid, "\(error)")
            }
        }
    }

    @Test("a statement that cannot be prepared says why, and its neighbours go on")
    func faultyStatement() async throws {
        let database = try await TestDatabase.make().database
        async let faulty: SQLRows = database.query("SELECT * FROM no_such_table")
        async let sound: SQLRows = database.query("SELECT 1::bigint")
        #expect(try await sound[0].int(0) == 1)
        do {
            _ = try await faulty
            Issue.record("an unknown table was read")
        } catch {
            let error = try #require(error as? StorageError)
            #expect(error.code == .internal && error.message.contains("no_such_table"))
        }
        _ = try await database.query("CREATE TABLE no_such_table (x bigint)")
        #expect(try await database.query("SELECT * FROM no_such_table").isEmpty)
    }

    @Test("a transaction takes effect as a whole or not at all")
    func transactions() async throws {
        let database = try await TestDatabase.make().database
        _ = try await database.query("CREATE TABLE t (x bigint PRIMARY KEY)")
        let insert = SQL("INSERT INTO t VALUES ($1::bigint)")
        await expect(.conflict) { () async throws(StorageError) in
            _ = try await database.transaction([
                SQLStatement(insert, [.int(1)]), SQLStatement(insert, [.int(2)]), SQLStatement(insert, [.int(1)]),
            ])
        }
        #expect(try await database.query("SELECT * FROM t").isEmpty)
        _ = try await database.transaction([SQLStatement(insert, [.int(1)]), SQLStatement(insert, [.int(2)])])
        #expect(try await database.query("SELECT * FROM t").count == 2)
    }

    @Test("a write whose constraint is looked at by the commit only fails with it, beside neighbours that do not")
    func deferredConstraint() async throws {
        let database = try await TestDatabase.make(connections: 1).database
        _ = try await database.query("CREATE TABLE d (x bigint UNIQUE DEFERRABLE INITIALLY DEFERRED)")
        let insert = SQL("INSERT INTO d VALUES ($1::bigint) RETURNING x")
        let conflicts = await withTaskGroup(of: Int.self) { group in
            for number in 0..<Int64(100) {
                group.addTask {
                    let result = await outcome { () async throws(StorageError) in
                        try await database.write(SQLStatement(insert, [.int(number / 2)]))
                    }
                    if case .failure(let error) = result { return error.code == .conflict ? 1 : 1000 }
                    return 0
                }
                group.addTask {
                    let result = await outcome { () async throws(StorageError) in
                        try await database.read(SQLStatement(Self.echo, [.int(number)]))
                    }
                    if case .success(let rows) = result { return (try? rows[0].int(0)) == number ? 0 : 1000 }
                    return 1000
                }
            }
            return await group.reduce(0, +)
        }
        #expect(conflicts == 50)
        #expect(try await database.query("SELECT count(*) FROM d")[0].int(0) == 50)
    }

    @Test("every kind of value comes back as it went")
    func values() async throws {
        let database = try await TestDatabase.make().database
        let date = Date(timeIntervalSince1970: 1_800_000_000.125)
        let rows = try await database.query(
            """
            SELECT $1::boolean, $2::bigint, $3::text, $4::bytea, $5::timestamptz, $6::jsonb::text, $7::text[], $8::bytea,
                $9::text, (-3)::smallint, $10::text[]
            """,
            [
                .bool(true), .int(.min), .text("Schlüssel 🔑"), .bytes([0, 255, 1]), .date(date), .json(#"{"a":[1]}"#),
                .texts(["", "b", "c\"d"]), .bytes([]), .null, .texts([]),
            ])
        let row = try #require(rows.first)
        #expect(try row.bool(0))
        #expect(try row.int(1) == .min)
        #expect(try row.text(2) == "Schlüssel 🔑")
        #expect(try row.bytes(3) == [0, 255, 1])
        #expect(try row.date(4) == date)
        #expect(try row.text(5) == #"{"a": [1]}"#)
        #expect(try row.texts(6) == ["", "b", "c\"d"])
        #expect(try row.bytes(7) == [])
        #expect(row.isNull(8))
        #expect(try row.int(9) == -3)
        #expect(try row.texts(10) == [])
        expect(.internal) { () throws(StorageError) in _ = try row.text(8) }
        expect(.internal) { () throws(StorageError) in _ = try row.int(99) }
    }

    @Test("a text with U+0000 is refused before it is sent")
    func nul() async throws {
        let database = try await TestDatabase.make().database
        await expect(.invalid) { () async throws(StorageError) in
            _ = try await database.query("SELECT $1::text", [.text("a\0b")])
        }
    }

    @Test("errors never hold a parameter's value")
    func errorsHoldNoValues() async throws {
        let database = try await TestDatabase.make().database
        _ = try await database.query("CREATE TABLE t (x text PRIMARY KEY CHECK (x <> 'b4nned'))")
        for _ in 0..<2 {
            for (sql, value) in [
                ("INSERT INTO t VALUES ($1::text)", "s3cret"), ("SELECT $1::text::bigint", "s3cret"),
                ("INSERT INTO t VALUES ($1::text) RETURNING 1", "b4nned"), ("SELECT $1::text::jsonb", "s3cret"),
            ] {
                do throws(StorageError) {
                    _ = try await database.query(sql, [.text(value)])
                } catch {
                    #expect(!error.description.contains(value))
                }
            }
        }
    }

    @Test("a cancelled caller is resumed at once and the connection stays usable")
    func cancellation() async throws {
        let database = try await TestDatabase.make(connections: 1).database
        let clock = ContinuousClock()
        let start = clock.now
        let sleeping = Task { try await database.query("SELECT pg_sleep(120)") }
        let queued = (0..<50).map { _ in Task { try await database.query("SELECT 1::bigint") } }
        for task in queued { task.cancel() }
        sleeping.cancel()
        for task in queued + [sleeping] {
            guard case .failure(let error) = await task.result else { continue }
            #expect((error as? StorageError)?.code == .cancelled)
        }
        guard case .failure = await sleeping.result else {
            Issue.record("a cancelled query went through")
            return
        }
        #expect(clock.now - start < .seconds(100))
        #expect(try await database.query("SELECT 2::bigint")[0].int(0) == 2)
    }

    @Test("a task that is cancelled before it asks gets nothing")
    func cancelledBefore() async throws {
        let database = try await TestDatabase.make().database
        let task = Task {
            withUnsafeCurrentTask { $0?.cancel() }
            return try await database.query("SELECT 1::bigint")
        }
        guard case .failure(let error) = await task.result else {
            Issue.record("a cancelled query went through")
            return
        }
        #expect((error as? StorageError)?.code == .cancelled)
    }

    @Test("a request that takes too long ends with timeout, on the server or here")
    func timeouts() async throws {
        let test = try await TestDatabase.make()
        var configuration = DatabaseConfiguration(dsn: test.dsn, statementTimeout: .milliseconds(100))
        let limitedServer = try await Database.connect(configuration)
        await expect(.timeout) { () async throws(StorageError) in
            _ = try await limitedServer.query("SELECT pg_sleep(20)")
        }
        configuration.statementTimeout = .seconds(30)
        configuration.requestTimeout = .milliseconds(200)
        let limitedClient = try await Database.connect(configuration)
        await expect(.timeout) { () async throws(StorageError) in
            _ = try await limitedClient.query("SELECT pg_sleep(1)")
        }
    }

    @Test("a write that waits for a lock does not hold up reads")
    func readsPassWaitingWrites() async throws {
        let test = try await TestDatabase.make()
        let patient = DatabaseConfiguration(
            dsn: test.dsn, statementTimeout: .seconds(60), requestTimeout: .seconds(60), lockTimeout: .seconds(60))
        let database = try await Database.connect(patient)
        _ = try await database.query("CREATE TABLE t AS SELECT 1::bigint AS x")
        let other = try await Database.connect(patient)
        let lock = SQL("SELECT x FROM t FOR UPDATE")
        let sleep = SQL("SELECT pg_sleep(50)")
        async let holding = try? other.transaction([SQLStatement(lock), SQLStatement(sleep)])
        let observer = try await test.connect()
        let sleeping = "FROM pg_stat_activity WHERE datname = current_database() AND query = 'SELECT pg_sleep(50)'"
        try await Self.wait(observer, until: "SELECT count(*) \(sleeping)")
        let isWritten = Mutex(false)
        async let waiting: Void = {
            _ = try await database.query("UPDATE t SET x = 2")
            isWritten.withLock { $0 = true }
        }()
        try await Self.wait(observer, until: "SELECT count(*) FROM pg_locks WHERE NOT granted")
        for _ in 0..<20 { _ = try await database.read(SQLStatement(Self.echo, [.int(1)])) }
        #expect(!isWritten.withLock { $0 })
        _ = try await observer.query("SELECT pg_cancel_backend(pid) \(sleeping)")
        _ = try await (holding, waiting)
        #expect(isWritten.withLock { $0 })
    }

    /// Asks until a count is not zero.
    private static func wait(_ database: Database, until sql: String) async throws {
        while try await database.query(sql).first?.int(0) == 0 { try await Task.sleep(for: .milliseconds(10)) }
    }

    @Test("a full queue refuses at once")
    func queueLimit() async throws {
        let test = try await TestDatabase.make()
        let database = try await Database.connect(
            DatabaseConfiguration(dsn: test.dsn, connections: 1, queueLimit: 4))
        let codes = await withTaskGroup(of: StorageError.Code?.self) { group in
            for _ in 0..<20 {
                group.addTask {
                    do throws(StorageError) {
                        _ = try await database.query("SELECT pg_sleep(0.2)")
                        return nil
                    } catch { return error.code }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
        #expect(codes.filter { $0 == .unavailable }.count == 16)
        #expect(codes.filter { $0 == nil }.count == 4)
    }

    @Test("of several hosts the one that answers is used")
    func severalHosts() async throws {
        let dsn = try await TestDatabase.make().dsn
        let host = try #require(try ConnectionString(dsn).options["host"])
        let several = dsn.replacingOccurrences(of: "host='\(host)'", with: "host='/nonexistent,\(host)'")
        #expect(several != dsn)
        let database = try await Database.connect(DatabaseConfiguration(dsn: several))
        try await database.ping()
    }

    @Test("a server that takes no writes is not used")
    func readOnlyServer() async throws {
        let test = try await TestDatabase.make()
        let name = try #require(try ConnectionString(test.dsn).options["dbname"])
        _ = try await test.database.query("ALTER DATABASE \(name) SET default_transaction_read_only = on")
        await expect(.unavailable) { () async throws(StorageError) in
            _ = try await Database.connect(DatabaseConfiguration(dsn: test.dsn))
        }
    }

    @Test("connections wait durably for commits even where the server would not")
    func synchronousCommit() async throws {
        let test = try await TestDatabase.make()
        let name = try #require(try ConnectionString(test.dsn).options["dbname"])
        _ = try await test.database.query("ALTER DATABASE \(name) SET synchronous_commit = off")
        let database = try await test.connect()
        #expect(try await database.query("SHOW synchronous_commit")[0].text(0) == "on")
    }

    @Test("a closed pool refuses, and refuses those who wait")
    func closing() async throws {
        let database = try await TestDatabase.make().database
        let waiting = Task { try await database.query("SELECT pg_sleep(2)") }
        try await Task.sleep(for: .milliseconds(100))
        database.close()
        guard case .failure(let error) = await waiting.result else {
            Issue.record("a closed pool answered")
            return
        }
        #expect((error as? StorageError)?.isUnavailable == true)
        await expect(.unavailable) { () async throws(StorageError) in try await database.ping() }
    }

    @Test("a listener first hears that it listens, then each notification")
    func notifications() async throws {
        let test = try await TestDatabase.make()
        var heard = test.database.notifications(channel: "my \"channel\"").makeAsyncIterator()
        #expect(await heard.next() == .listening)
        for number in 0..<3 {
            _ = try await test.database.query(#"SELECT pg_notify('my "channel"', $1::text)"#, [.text(String(number))])
            #expect(await heard.next() == .notified(payload: String(number)))
        }
    }

    @Test("a listener whose connection is lost says when it listens again")
    func notificationsAfterLoss() async throws {
        let test = try await TestDatabase.make()
        var heard = test.database.notifications(channel: "c").makeAsyncIterator()
        #expect(await heard.next() == .listening)
        _ = try await test.database.query(
            """
            SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE datname = current_database() AND query LIKE 'LISTEN%'
            """)
        #expect(await heard.next() == .listening)
        _ = try await test.database.query("SELECT pg_notify('c', 'again')")
        #expect(await heard.next() == .notified(payload: "again"))
    }
}
