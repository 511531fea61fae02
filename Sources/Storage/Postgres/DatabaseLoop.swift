import CLinux
import Glibc

/// The one thread that talks to the database: an epoll loop over a few pipelined connections.
///
/// Not `Sendable` on purpose: it is made and used on its own thread, and everything else reaches it by the mailbox.
final class DatabaseLoop {
    private enum Lane {
        case idle(until: UInt64)
        case connecting
        case live(PipelineConnection)
    }

    private static let wakeTag = UInt64.max
    /// How often deadlines are looked at while somebody waits.
    private static let tick: UInt64 = 20_000_000

    private let mailbox: LoopMailbox
    private let string: ConnectionString
    private let limits: SessionLimits
    private let stallLimit: UInt64
    private let epoll: Int32
    private var lanes: [Lane]
    private var backoffs: [Backoff]
    private var reads = Queue<Ticket>()
    private var writes = Queue<Ticket>()
    private var outage: StorageError?
    private var nextTick: UInt64 = 0
    private var generator = SystemRandomNumberGenerator()

    /// Starts the thread; it ends when the mailbox is closed.
    ///
    /// - Throws: `unavailable` when the system grants no descriptor or thread.
    static func start(
        _ mailbox: LoopMailbox, _ string: ConnectionString, _ configuration: DatabaseConfiguration
    ) throws(StorageError) {
        let epoll = claviger_epoll_create()
        guard epoll >= 0, claviger_epoll_watch(epoll, mailbox.event, wakeTag, false, false) == 0 else {
            if epoll >= 0 { close(epoll) }
            throw .unavailable("the system grants no file descriptor for the database")
        }
        do {
            try BlockingThread.start("claviger-db") {
                DatabaseLoop(mailbox, string, configuration, epoll).run()
            }
        } catch {
            close(epoll)
            throw error
        }
    }

    private init(
        _ mailbox: LoopMailbox, _ string: ConnectionString, _ configuration: DatabaseConfiguration, _ epoll: Int32
    ) {
        self.mailbox = mailbox
        self.string = string
        self.epoll = epoll
        limits = configuration.limits
        stallLimit = configuration.requestTimeout.nanoseconds + configuration.statementTimeout.nanoseconds
        lanes = Array(repeating: .idle(until: 0), count: max(1, configuration.connections))
        backoffs = Array(repeating: Backoff(), count: lanes.count)
    }

    private func run() {
        // When this thread takes the processor from those that make requests, it sends each request by itself.
        claviger_thread_yield_to_others()
        while true {
            connectIdleLanes()
            waitForEvents()
            let mail = mailbox.collect()
            guard !mail.isClosed else { return shutDown(mail) }
            mail.arrivals.forEach(receive)
            for request in mail.requests { enqueue(Ticket(request: request)) }
            expire()
            dispatch()
            if let outage { failQueued(outage) }
        }
    }

    // MARK: Waiting

    private func waitForEvents() {
        var ready = [claviger_ready](repeating: claviger_ready(), count: 16)
        let count = Int(claviger_epoll_wait(epoll, &ready, Int32(ready.count), pause()))
        guard count > 0 else { return }
        let now = MonotonicTime.now
        for event in ready.prefix(count) {
            guard event.tag != Self.wakeTag else {
                mailbox.clearEvent()
                continue
            }
            let index = Int(event.tag)
            guard lanes.indices.contains(index), case .live(let connection) = lanes[index] else { continue }
            if event.writable { connection.flush() }
            if event.readable || event.failed { settle(connection.read(now: now)) }
            review(index, connection)
        }
    }

    /// Milliseconds until something must be done without an event.
    private func pause() -> Int32 {
        let now = MonotonicTime.now
        var until: UInt64? = mailbox.gauge.value > 0 ? now + Self.tick : nil
        for case .idle(let time) in lanes { until = min(until ?? time, time) }
        guard let until else { return -1 }
        return until <= now ? 0 : Int32(min((until - now + 999_999) / 1_000_000, 60_000))
    }

    // MARK: Requests

    private func enqueue(_ ticket: Ticket) {
        switch ticket.request.kind {
        case .read: reads.append(ticket)
        case .write: writes.append(ticket)
        }
    }

    private func dispatch() {
        guard !reads.isEmpty || !writes.isEmpty else { return }
        var picker = LanePicker(
            lanes: lanes.map { lane in
                guard case .live(let connection) = lane else {
                    return LanePicker.Lane(isLive: false, requests: 0, writes: 0)
                }
                return LanePicker.Lane(
                    isLive: true, requests: connection.ticketCount, writes: connection.exclusiveCount)
            })
        var batches: [[Ticket]] = Array(repeating: [], count: lanes.count)
        Self.distribute(&reads, .read, with: &picker, into: &batches)
        Self.distribute(&writes, .write, with: &picker, into: &batches)
        let now = MonotonicTime.now
        for (index, batch) in batches.enumerated() where !batch.isEmpty {
            guard case .live(let connection) = lanes[index] else { continue }
            connection.send(batch, now: now)
            review(index, connection)
        }
    }

    private static func distribute(
        _ queue: inout Queue<Ticket>, _ kind: RequestKind, with picker: inout LanePicker, into batches: inout [[Ticket]]
    ) {
        while let ticket = queue.first {
            if !ticket.request.isSettled {
                guard let lane = picker.take(kind) else { return }
                batches[lane].append(ticket)
            }
            _ = queue.popFirst()
        }
    }

    private func settle(_ outcomes: [PipelineConnection.State.Outcome]) {
        for outcome in outcomes {
            switch outcome {
            case .succeeded(let ticket, let rows): ticket.request.settle(.success(rows))
            case .failed(let ticket, let failure): ticket.request.settle(.failure(failure.error))
            case .notRun(let ticket): sendAgain(ticket)
            case .unprepared: break
            }
        }
    }

    private func sendAgain(_ ticket: Ticket) {
        guard !ticket.isRepeated else {
            ticket.request.settle(.failure(.unavailable("the database did not run a statement in two tries")))
            return
        }
        enqueue(Ticket(request: ticket.request, isRepeated: true))
    }

    /// Settles what has waited too long; what is already sent stays with its connection, which must still be read.
    private func expire() {
        let now = MonotonicTime.now
        guard now >= nextTick, mailbox.gauge.value > 0 else { return }
        nextTick = now + Self.tick
        for ticket in reads where ticket.request.deadline <= now { ticket.request.settle(.failure(.timedOut)) }
        for ticket in writes where ticket.request.deadline <= now { ticket.request.settle(.failure(.timedOut)) }
        for (index, lane) in lanes.enumerated() {
            guard case .live(let connection) = lane else { continue }
            for ticket in connection.unsettled where ticket.request.deadline <= now {
                ticket.request.settle(.failure(.timedOut))
            }
            if connection.isStalled(now: now, limit: stallLimit) { lose(index, connection) }
        }
    }

    private func failQueued(_ error: StorageError) {
        while let ticket = reads.popFirst() { ticket.request.settle(.failure(error)) }
        while let ticket = writes.popFirst() { ticket.request.settle(.failure(error)) }
    }

    // MARK: Connections

    private func connectIdleLanes() {
        let now = MonotonicTime.now
        for (index, lane) in lanes.enumerated() {
            guard case .idle(let time) = lane, time <= now else { continue }
            lanes[index] = .connecting
            let (mailbox, string, limits) = (mailbox, string, limits)
            do {
                // Connecting resolves names and may try several hosts, which libpq does only by blocking.
                try BlockingThread.start("claviger-dbopen") {
                    do throws(StorageError) {
                        let connection = try BlockingConnection(string, limits: limits)
                        mailbox.post(.connected(lane: index, connection.handle))
                    } catch {
                        mailbox.post(.refused(lane: index, error))
                    }
                }
            } catch {
                refuse(index, error)
            }
        }
    }

    private func receive(_ arrival: LoopMailbox.Arrival) {
        switch arrival {
        case .refused(let index, let error): refuse(index, error)
        case .connected(let index, let handle):
            let connection = PipelineConnection(handle, now: MonotonicTime.now)
            guard let connection, claviger_epoll_watch(epoll, connection.descriptor, UInt64(index), false, false) == 0
            else { return refuse(index, .unavailable("a new database connection broke")) }
            lanes[index] = .live(connection)
            backoffs[index].reset()
            report(outage: nil)
        }
    }

    private func refuse(_ index: Int, _ error: StorageError) {
        lanes[index] = .idle(until: MonotonicTime.now + backoffs[index].next(using: &generator))
        let anyLives = lanes.contains { if case .live = $0 { true } else { false } }
        if !anyLives { report(outage: error) }
    }

    private func report(outage: StorageError?) {
        guard outage != self.outage else { return }
        self.outage = outage
        mailbox.report(outage: outage)
    }

    /// Watches for output while there is some, and lets a broken connection go.
    private func review(_ index: Int, _ connection: PipelineConnection) {
        guard connection.isUsable,
            claviger_epoll_watch(epoll, connection.descriptor, UInt64(index), connection.wantsToWrite, true) == 0
        else { return lose(index, connection) }
    }

    private func lose(_ index: Int, _ connection: PipelineConnection) {
        _ = claviger_epoll_forget(epoll, connection.descriptor)
        lanes[index] = .idle(until: MonotonicTime.now + backoffs[index].next(using: &generator))
        for ticket in connection.unsettled {
            switch ticket.request.kind {
            case .read: sendAgain(ticket)
            case .write:
                ticket.request.settle(
                    .failure(.unavailable("the connection broke before the database confirmed a write")))
            }
        }
    }

    private func shutDown(_ mail: LoopMailbox.Mail) {
        for request in mail.requests { request.settle(.failure(.closed)) }
        failQueued(.closed)
        for case .live(let connection) in lanes {
            for ticket in connection.unsettled { ticket.request.settle(.failure(.closed)) }
        }
        lanes = []
        close(epoll)
    }
}
