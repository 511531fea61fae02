import Testing

@testable import Storage

@Suite("The pipeline's state, without a server")
struct PipelineStateTests {
    private typealias State = PipelineState<String, Int>
    private let broken = SQLFailure(state: "22012")

    private func text(_ outcomes: [State.Outcome]?) -> String {
        guard let outcomes else { return "out of step" }
        return outcomes.map { outcome in
            switch outcome {
            case .succeeded(let ticket, let rows): "\(ticket)=\(rows)"
            case .failed(let ticket, let failure): "\(ticket)!\(failure.state)"
            case .notRun(let ticket): "\(ticket)?"
            case .unprepared(let id): "-\(id)"
            }
        }.joined(separator: " ")
    }

    private func answer(_ state: inout State, _ reply: State.Reply) -> String {
        state.receive(reply)
        return text(state.endReply())
    }

    @Test("reads of one batch are settled one by one, before their sync")
    func sharedBatch() {
        var state = State()
        state.announce("a", isShared: true, statements: 1, preparing: [])
        state.announce("b", isShared: true, statements: 1, preparing: [])
        state.closeBatch()
        #expect(answer(&state, .rows(1)) == "a=[1]")
        #expect(answer(&state, .rows(2)) == "b=[2]")
        #expect(state.isOwed && state.ticketCount == 0)
        #expect(text(state.passSync()) == "")
        #expect(!state.isOwed)
    }

    @Test("a failing read takes only itself: those before it keep their rows, those after it have not run")
    func failingNeighbour() {
        var state = State()
        for ticket in ["a", "b", "c"] { state.announce(ticket, isShared: true, statements: 1, preparing: []) }
        state.closeBatch()
        #expect(answer(&state, .rows(1)) == "a=[1]")
        #expect(answer(&state, .failed(broken)) == "b!22012")
        #expect(answer(&state, .aborted) == "c?")
        #expect(text(state.passSync()) == "")
    }

    @Test("a write is settled by its sync and not before")
    func writeSettledBySync() {
        var state = State()
        state.announce("w", isShared: false, statements: 2, preparing: [])
        #expect(state.exclusiveCount == 1)
        #expect(answer(&state, .rows(1)) == "")
        #expect(answer(&state, .rows(2)) == "")
        #expect(state.unsettled == ["w"])
        #expect(text(state.passSync()) == "w=[1, 2]")
        #expect(state.exclusiveCount == 0)
    }

    @Test("a write whose commit fails has failed")
    func failingCommit() {
        var state = State()
        state.announce("w", isShared: false, statements: 1, preparing: [])
        #expect(answer(&state, .rows(1)) == "")
        #expect(answer(&state, .failed(broken)) == "")
        #expect(text(state.passSync()) == "w!22012")
    }

    @Test("a failing statement of a transaction fails the whole with its own error")
    func failingTransaction() {
        var state = State()
        state.announce("w", isShared: false, statements: 3, preparing: [])
        #expect(answer(&state, .rows(1)) == "")
        #expect(answer(&state, .failed(broken)) == "")
        #expect(answer(&state, .aborted) == "")
        #expect(text(state.passSync()) == "w!22012")
    }

    @Test("a failing preparation is forgotten, names the reason, and others of the same statement may try again")
    func failingPreparation() {
        var state = State()
        state.announce("a", isShared: true, statements: 1, preparing: [7])
        state.announce("b", isShared: true, statements: 1, preparing: [])
        state.closeBatch()
        #expect(answer(&state, .failed(SQLFailure(state: "42P01"))) == "-7 a!42P01")
        #expect(text(state.passSync()) == "")
        #expect(answer(&state, .failed(SQLFailure(state: "26000"))) == "")
        #expect(answer(&state, .aborted) == "b?")
        #expect(text(state.passSync()) == "")
    }

    @Test("a write with an unprepared statement has not run and may be sent again")
    func unpreparedWrite() {
        var state = State()
        state.announce("w", isShared: false, statements: 1, preparing: [])
        #expect(answer(&state, .failed(SQLFailure(state: "26000"))) == "")
        #expect(text(state.passSync()) == "w?")
    }

    @Test("what is not settled is listed once per ticket, oldest first")
    func unsettled() {
        var state = State()
        state.announce("a", isShared: true, statements: 1, preparing: [1])
        state.closeBatch()
        state.announce("w", isShared: false, statements: 3, preparing: [2, 3])
        #expect(state.unsettled == ["a", "w"])
    }

    @Test("an answer that nobody asked for is out of step")
    func outOfStep() {
        var state = State()
        #expect(text(state.passSync()) == "out of step")
        state.announce("a", isShared: true, statements: 1, preparing: [])
        #expect(text(state.endReply()) == "out of step")
    }
}

@Suite("Small parts of the connection pool")
struct PoolPartsTests {
    @Test("the queue keeps order over many rounds")
    func queue() {
        var queue = Queue<Int>()
        var expected = 0
        for number in 0..<10_000 {
            queue.append(number)
            if number % 3 != 0 {
                #expect(queue.popFirst() == expected)
                expected += 1
            }
        }
        #expect(queue.count == 10_000 - expected)
        #expect(Array(AnyIterator(queue.makeIterator())) == Array(expected..<10_000))
        while let number = queue.popFirst() {
            #expect(number == expected)
            expected += 1
        }
        #expect(expected == 10_000 && queue.isEmpty)
    }

    @Test("pauses between attempts grow to a limit, are spread, and begin anew")
    func backoff() {
        var backoff = Backoff()
        var generator = SystemRandomNumberGenerator()
        let pauses = (0..<20).map { _ in backoff.next(using: &generator) }
        #expect(pauses.allSatisfy { $0 >= Backoff.shortest / 2 && $0 <= Backoff.longest })
        #expect(pauses.suffix(10).allSatisfy { $0 >= Backoff.longest / 2 })
        #expect(Set(pauses.suffix(10)).count > 1)
        backoff.reset()
        #expect(backoff.next(using: &generator) <= Backoff.shortest)
    }

    @Test("writes keep to the upper half, reads avoid a connection with a write, nobody goes to a dead one")
    func lanes() {
        func lane(_ isLive: Bool, _ requests: Int = 0, _ writes: Int = 0) -> LanePicker.Lane {
            LanePicker.Lane(isLive: isLive, requests: requests, writes: writes)
        }
        var picker = LanePicker(lanes: [lane(true), lane(true)])
        #expect(picker.take(.write) == 1)
        #expect(picker.take(.read) == 0)
        #expect(picker.take(.read) == 0)
        picker = LanePicker(lanes: [lane(true), lane(false)])
        #expect(picker.take(.write) == 0)
        picker = LanePicker(lanes: [lane(false), lane(false)])
        #expect(picker.take(.read) == nil)
        picker = LanePicker(lanes: [lane(true, LanePicker.maximumRequests)])
        #expect(picker.take(.read) == nil)
    }

    @Test("a connection string gets what a broker needs, and keeps what it says itself")
    func connectionString() throws {
        let several = try ConnectionString("postgresql://u:secret@one:5432,two:5433/claviger")
        #expect(several.options["host"] == "one,two")
        #expect(several.options["target_session_attrs"] == "read-write")
        #expect(several.options["client_encoding"] == "UTF8")
        let own = try ConnectionString("host=/run/pg target_session_attrs=any connect_timeout=9")
        #expect(own.options["target_session_attrs"] == "any")
        #expect(own.options["connect_timeout"] == "9")
        #expect(own.replacing(database: "x").options["dbname"] == "x")
    }

    @Test(
        "a malformed connection string is refused without being repeated",
        arguments: ["host=a pass word=s3cret", "x://s3cret"])
    func malformedConnectionString(text: String) {
        do throws(StorageError) {
            _ = try ConnectionString(text)
            Issue.record("a malformed connection string was accepted")
        } catch {
            #expect(error.code == .invalid)
            #expect(!error.message.contains("s3cret"))
        }
    }

    @Test("each SQLSTATE becomes the error that tells the caller what to do")
    func states() {
        let expected: [(String, StorageError.Code)] = [
            ("23505", .conflict), ("CV409", .conflict), ("57014", .timeout), ("25006", .unavailable),
            ("40001", .unavailable), ("40P01", .unavailable), ("55P03", .unavailable), ("57P01", .unavailable),
            ("53300", .unavailable), ("08006", .unavailable), ("58030", .unavailable), ("22P05", .invalid),
            ("23514", .invalid), ("42P01", .internal), ("XX000", .internal),
        ]
        for (state, code) in expected { #expect(SQLFailure(state: state).error.code == code, "\(state)") }
        for code in StorageError.Code.allCases {
            let isUnavailable = [.unavailable, .timeout, .keyUnknown].contains(code)
            #expect(StorageError(code: code, message: "").isUnavailable == isUnavailable)
        }
    }

    @Test("an error shows the constraint, and the server's own text only for faulty statements")
    func errorTexts() {
        let duplicate = SQLFailure(state: "23505", constraint: "nonces_pkey", primaryMessage: "Key (x)=(s3cret)")
        #expect(duplicate.error.message.contains("nonces_pkey"))
        #expect(!duplicate.error.message.contains("s3cret"))
        let faulty = SQLFailure(state: "42P01", primaryMessage: "relation \"x\" does not exist")
        #expect(faulty.error.message.contains("does not exist"))
    }
}
