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
    }

    private struct State {
        var mail = Mail()
        var isRaised = false
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
        let refusal: StorageError? = state.withLock { state in
            if state.mail.isClosed { return .closed }
            if let outage = state.outage { return outage }
            if gauge.value > limit { return .unavailable("too many requests wait for the database") }
            state.mail.requests.append(request)
            raise(&state)
            return nil
        }
        if let refusal { request.settle(.failure(refusal)) }
    }

    func post(_ arrival: Arrival) {
        state.withLock { state in
            guard !state.mail.isClosed else { return }
            state.mail.arrivals.append(arrival)
            raise(&state)
        }
    }

    func close() {
        state.withLock { state in
            state.mail.isClosed = true
            raise(&state)
        }
    }

    /// Everything that has come since the last call.
    func collect() -> Mail {
        state.withLock { state in
            if state.isRaised {
                claviger_event_clear(event)
                state.isRaised = false
            }
            let mail = state.mail
            state.mail = Mail(isClosed: mail.isClosed)
            return mail
        }
    }

    func report(outage: StorageError?) { state.withLock { $0.outage = outage } }

    private func raise(_ state: inout State) {
        guard !state.isRaised else { return }
        state.isRaised = true
        claviger_event_raise(event)
    }
}
