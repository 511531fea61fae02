/// What one connection still owes us, in the order in which the server answers: the pipeline protocol without any I/O.
///
/// Read-only statements share a batch, which PostgreSQL runs as one implicit transaction up to the next sync: when one
/// fails, the server skips its later neighbours, which then count as not run. A write or transaction has a sync of its
/// own and is settled only by that sync, because the commit happens there.
struct PipelineState<Ticket, Rows> {
    /// What the server said to one command.
    enum Reply {
        case rows(Rows)
        case failed(SQLFailure)
        /// Skipped, because something before it in the same batch failed.
        case aborted
    }

    /// What has become of a ticket or of a prepared statement.
    enum Outcome {
        case succeeded(Ticket, [Rows])
        case failed(Ticket, SQLFailure)
        /// The statement was certainly not executed: it may be sent again.
        case notRun(Ticket)
        /// The connection does not know this statement after all.
        case unprepared(Int)
    }

    private final class Unit {
        let ticket: Ticket
        let isShared: Bool
        let statements: Int
        var rows: [Rows] = []
        var failure: SQLFailure?
        var wasAborted = false
        var isSettled = false

        init(ticket: Ticket, isShared: Bool, statements: Int) {
            self.ticket = ticket
            self.isShared = isShared
            self.statements = statements
        }
    }

    private enum Step {
        case prepare(Int, Unit)
        case statement(Unit)
        case sync(Unit?)
    }

    private var steps = Queue<Step>()
    private var reply: Reply?

    /// Tickets that are sent and not settled.
    private(set) var ticketCount = 0
    /// Those among them that have a sync of their own.
    private(set) var exclusiveCount = 0

    /// True if the server owes an answer.
    var isOwed: Bool { !steps.isEmpty }

    /// Notes what is sent for one ticket, in this order: each preparation with a sync of its own, so that no neighbour
    /// can undo it; the statements; and, unless the ticket shares its batch, a sync.
    mutating func announce(_ ticket: Ticket, isShared: Bool, statements: Int, preparing: [Int]) {
        let unit = Unit(ticket: ticket, isShared: isShared, statements: statements)
        ticketCount += 1
        if !isShared { exclusiveCount += 1 }
        for id in preparing {
            steps.append(.prepare(id, unit))
            steps.append(.sync(nil))
        }
        for _ in 0..<statements { steps.append(.statement(unit)) }
        if !isShared { steps.append(.sync(unit)) }
    }

    /// Notes that a shared batch was closed by a sync.
    mutating func closeBatch() { steps.append(.sync(nil)) }

    /// The server answered something to the command at the head.
    mutating func receive(_ received: Reply) {
        if case .sync(let unit) = steps.first {
            // Between the last statement and the sync only the commit itself can fail.
            if case .failed(let failure) = received, let unit, unit.failure == nil { unit.failure = failure }
            return
        }
        if case .failed = reply { return }
        reply = received
    }

    /// The answer to the command at the head is complete. Nil when that cannot be: the connection is out of step.
    mutating func endReply() -> [Outcome]? {
        if case .sync = steps.first { return [] }
        guard let step = steps.popFirst(), let reply else { return nil }
        self.reply = nil
        switch step {
        case .prepare(let id, let unit): return settlePreparation(id, unit, reply)
        case .statement(let unit): return settleStatement(unit, reply)
        case .sync: return nil
        }
    }

    /// The server passed a sync. Nil when none was due.
    mutating func passSync() -> [Outcome]? {
        guard case .sync(let unit) = steps.popFirst() else { return nil }
        guard let unit, !unit.isSettled else { return [] }
        if let failure = unit.failure {
            return settle(unit, failure.isUnknownStatement ? .notRun(unit.ticket) : .failed(unit.ticket, failure))
        }
        if unit.wasAborted || unit.rows.count != unit.statements { return settle(unit, .notRun(unit.ticket)) }
        return settle(unit, .succeeded(unit.ticket, unit.rows))
    }

    /// The tickets that are not settled, oldest first.
    var unsettled: [Ticket] {
        steps.compactMap { step in
            // Every ticket has statements, and shared ones have exactly one: it stands for the ticket.
            guard case .statement(let unit) = step, !unit.isSettled, unit.isShared else {
                if case .sync(.some(let unit)) = step, !unit.isSettled { return unit.ticket }
                return nil
            }
            return unit.ticket
        }
    }

    private mutating func settlePreparation(_ id: Int, _ unit: Unit, _ reply: Reply) -> [Outcome] {
        switch reply {
        case .rows: return []
        case .aborted: return [.unprepared(id)]
        case .failed(let failure):
            if unit.isShared, !unit.isSettled { return [.unprepared(id)] + settle(unit, .failed(unit.ticket, failure)) }
            if unit.failure == nil { unit.failure = failure }
            return [.unprepared(id)]
        }
    }

    private mutating func settleStatement(_ unit: Unit, _ reply: Reply) -> [Outcome] {
        guard !unit.isSettled else { return [] }
        switch reply {
        case .rows(let rows):
            unit.rows.append(rows)
            return unit.isShared ? settle(unit, .succeeded(unit.ticket, unit.rows)) : []
        case .failed(let failure):
            if !unit.isShared {
                if unit.failure == nil { unit.failure = failure }
                return []
            }
            let wasNotRun = failure.isUnknownStatement || failure.endsConnection
            return settle(unit, wasNotRun ? .notRun(unit.ticket) : .failed(unit.ticket, failure))
        case .aborted:
            unit.wasAborted = true
            return unit.isShared ? settle(unit, .notRun(unit.ticket)) : []
        }
    }

    private mutating func settle(_ unit: Unit, _ outcome: Outcome) -> [Outcome] {
        unit.isSettled = true
        ticketCount -= 1
        if !unit.isShared { exclusiveCount -= 1 }
        return [outcome]
    }
}
