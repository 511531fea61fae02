import CLinux
import Glibc
import Synchronization

/// What other threads hand to the loop, and the eventfd that wakes it.
final class LoopMailbox: Sendable {
    enum Arrival {
        case connected(lane: Int, ConnectionHandle)
        case refused(lane: Int, StorageError)
    }

    struct Mail {
        var requests: [Request] = []
        var arrivals: [Arrival] = []
        var isClosed = false

        var isEmpty: Bool { requests.isEmpty && arrivals.isEmpty && !isClosed }
    }

    private struct State {
        var mail = Mail()
        /// Whether the loop will look at the mail without being woken once more.
        var isAwaited = false
        /// Why no connection lives, when connecting has failed: new requests then fail at once.
        var outage: StorageError?
    }

    let event: Int32
    let gauge = Gauge()
    private let limit: Int
    private let state = Mutex(State())

    /// - Throws: `unavailable` when the system grants no descriptor.
    init(limit: Int) throws(StorageError) {
        self.limit = limit
        event = claviger_event_create()
        guard event >= 0 else { throw .unavailable("the system grants no file descriptor for the database") }
    }

    deinit { Glibc.close(event) }

    /// Hands a request over, or settles it at once when the loop cannot take it.
    func submit(_ request: Request) {
        let refusal: StorageError? = change { state in
            if state.mail.isClosed { return .closed }
            if let outage = state.outage { return outage }
            if gauge.value > limit { return .unavailable("too many requests wait for the database") }
            state.mail.requests.append(request)
            return nil
        }
        if let refusal { request.settle(.failure(refusal)) }
    }

    func post(_ arrival: Arrival) {
        change { state in
            if !state.mail.isClosed { state.mail.arrivals.append(arrival) }
        }
    }

    func close() {
        change { $0.mail.isClosed = true }
    }

    /// Takes note that the loop was woken; it must collect afterwards.
    func clearEvent() { claviger_event_clear(event) }

    /// Everything that has come since the last call.
    func collect() -> Mail {
        state.withLock { state in
            state.isAwaited = false
            let mail = state.mail
            state.mail = Mail(isClosed: mail.isClosed)
            return mail
        }
    }

    func report(outage: StorageError?) { state.withLock { $0.outage = outage } }

    /// Changes the state and sees to it that the loop looks at it.
    ///
    /// The loop is woken outside the lock: inside, it would at once wait for the lock, and on one core in vain. A wake-up
    /// that arrives after its mail was collected costs the loop one empty round.
    private func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        let (result, mustWake) = state.withLock { state in
            let result = body(&state)
            let mustWake = !state.isAwaited && !state.mail.isEmpty
            if mustWake { state.isAwaited = true }
            return (result, mustWake)
        }
        if mustWake { claviger_event_raise(event) }
        return result
    }
}
