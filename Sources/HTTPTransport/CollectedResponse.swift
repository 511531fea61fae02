import Synchronization

/// The whole answer to a request, in memory up to a limit.
final class CollectedResponse: ResponseSink {
    typealias Outcome = Result<HTTPResponse, HTTPTransportError>

    private struct State {
        var status = 0
        var headers: [(name: String, value: String)] = []
        var body: [UInt8] = []
        var outcome: Outcome?
        var waiter: CheckedContinuation<Outcome, Never>?
    }

    private let maximumBytes: Int
    private let state = Mutex(State())

    init(maximumBytes: Int) {
        self.maximumBytes = maximumBytes
    }

    func begin(status: Int, headers: [(name: String, value: String)]) {
        state.withLock { ($0.status, $0.headers) = (status, headers) }
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Reception {
        state.withLock { state in
            guard state.body.count + bytes.count <= maximumBytes else { return .refused(limit: maximumBytes) }
            state.body.append(contentsOf: bytes)
            return .taken
        }
    }

    func end(_ failure: HTTPTransportError?) {
        let (waiter, outcome) = state.withLock { state in
            let response = HTTPResponse(status: state.status, headers: state.headers, body: state.body)
            let outcome: Outcome = failure.map { .failure($0) } ?? .success(response)
            defer { (state.outcome, state.waiter) = (outcome, nil) }
            return (state.waiter, outcome)
        }
        waiter?.resume(returning: outcome)
    }

    /// Waits for the end; called once.
    func outcome() async -> Outcome {
        await withCheckedContinuation { continuation in
            let outcome = state.withLock { state in
                if state.outcome == nil { state.waiter = continuation }
                return state.outcome
            }
            if let outcome { continuation.resume(returning: outcome) }
        }
    }
}
