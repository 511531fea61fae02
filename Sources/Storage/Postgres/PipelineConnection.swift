import CLibPQ

/// A request in the loop's hands.
struct Ticket {
    let request: Request
    /// True after a first try was spoiled: the second one shares no batch.
    var isRepeated = false
}

/// One connection in pipeline mode. Lives on the loop's thread; every function returns at once.
final class PipelineConnection {
    typealias State = PipelineState<Ticket, SQLRows>

    private let handle: ConnectionHandle
    private var state = State()
    private var prepared: Set<Int> = []
    private var isBatchOpen = false
    private var hasFailed = false
    private var lastProgress: UInt64

    let descriptor: Int32
    /// True while libpq holds bytes that the socket did not take.
    private(set) var wantsToWrite = false

    /// Takes over a connection that is set up. Nil if it broke meanwhile.
    init?(_ handle: ConnectionHandle, now: UInt64) {
        self.handle = handle
        descriptor = PQsocket(handle.pointer)
        lastProgress = now
        guard descriptor >= 0, PQsetnonblocking(handle.pointer, 1) == 0, PQenterPipelineMode(handle.pointer) == 1 else {
            return nil
        }
    }

    var isUsable: Bool { !hasFailed && PQstatus(handle.pointer) == CONNECTION_OK }
    var ticketCount: Int { state.ticketCount }
    var exclusiveCount: Int { state.exclusiveCount }
    var unsettled: [Ticket] { state.unsettled }

    /// True if the server owes an answer and has been silent for `limit` nanoseconds.
    func isStalled(now: UInt64, limit: UInt64) -> Bool {
        state.isOwed && now > lastProgress && now - lastProgress > limit
    }

    /// Sends tickets; those that may share a batch stand under one sync.
    func send(_ tickets: [Ticket], now: UInt64) {
        if !state.isOwed { lastProgress = now }
        for ticket in tickets where ticket.request.kind == .read && !ticket.isRepeated { send(ticket, isShared: true) }
        closeBatch()
        for ticket in tickets where ticket.request.kind == .write || ticket.isRepeated { send(ticket, isShared: false) }
        flush()
    }

    private func send(_ ticket: Ticket, isShared: Bool) {
        let statements = ticket.request.statements
        let unknown = statements.map(\.sql).filter { prepared.insert($0.id).inserted }
        if !unknown.isEmpty { closeBatch() }
        state.announce(ticket, isShared: isShared, statements: statements.count, preparing: unknown.map(\.id))
        for sql in unknown {
            check(PQsendPrepare(handle.pointer, sql.name, sql.text, 0, nil))
            check(PQpipelineSync(handle.pointer))
        }
        for statement in statements { check(execute(statement)) }
        if isShared {
            isBatchOpen = true
        } else {
            check(PQpipelineSync(handle.pointer))
        }
    }

    private func closeBatch() {
        guard isBatchOpen else { return }
        isBatchOpen = false
        state.closeBatch()
        check(PQpipelineSync(handle.pointer))
    }

    private func execute(_ statement: SQLStatement) -> Int32 {
        let parameters = statement.parameters
        return parameters.buffer.withUnsafeBytes { buffer in
            let start = buffer.baseAddress?.assumingMemoryBound(to: CChar.self)
            let values = zip(parameters.offsets, parameters.lengths).map { offset, length in
                length < 0 ? nil : start.map { $0 + offset }
            }
            let formats = [Int32](repeating: 1, count: values.count)
            return PQsendQueryPrepared(
                handle.pointer, statement.sql.name, Int32(values.count), values, parameters.lengths, formats, 1)
        }
    }

    private func check(_ accepted: Int32) {
        if accepted == 0 { hasFailed = true }
    }

    /// Gives the socket what libpq still holds.
    func flush() {
        let remaining = PQflush(handle.pointer)
        if remaining < 0 { hasFailed = true }
        wantsToWrite = remaining > 0
    }

    /// Takes what the server sent.
    func read(now: UInt64) -> [State.Outcome] {
        lastProgress = now
        if PQconsumeInput(handle.pointer) == 0 { hasFailed = true }
        var outcomes: [State.Outcome] = []
        while state.isOwed, PQisBusy(handle.pointer) == 0 {
            guard let more = takeResult() else {
                hasFailed = true
                break
            }
            outcomes += more
        }
        for case .unprepared(let id) in outcomes { prepared.remove(id) }
        if wantsToWrite { flush() }
        return outcomes
    }

    private func takeResult() -> [State.Outcome]? {
        guard let result = PQgetResult(handle.pointer) else {
            // A lost connection also ends replies, but nothing will follow them.
            return PQstatus(handle.pointer) == CONNECTION_OK ? state.endReply() : nil
        }
        let rows = ResultHandle(result)
        switch rows.status {
        case PGRES_PIPELINE_SYNC: return state.passSync()
        case PGRES_PIPELINE_ABORTED: state.receive(.aborted)
        case PGRES_TUPLES_OK, PGRES_COMMAND_OK, PGRES_EMPTY_QUERY: state.receive(.rows(SQLRows(rows)))
        default:
            let failure = rows.failure
            if failure.endsConnection { hasFailed = true }
            state.receive(.failed(failure))
        }
        return []
    }
}
