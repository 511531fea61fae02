import Synchronization

/// What an exchange has received and nobody has read yet, up to a limit at which the exchange pauses.
final class StreamedBody: ResponseSink {
    /// What a reader waits for.
    enum Need { case head, bytes }

    /// What there is for a reader.
    enum Supply {
        case bytes([UInt8], resumes: Bool)
        case end
        case failure(HTTPTransportError)
    }

    /// Beyond this no more is taken, whatever the size of the pieces.
    static let maximumBufferedBytes = 262_144

    private typealias Waiter = CheckedContinuation<Void, Never>

    private struct State {
        var head: HTTPResponse?
        var bytes: [UInt8] = []
        var isPaused = false
        var isOver = false
        var failure: HTTPTransportError?
        var waiter: Waiter?
        var waits = 0
        var present: (number: Int, need: Need)?

        func satisfies(_ need: Need) -> Bool {
            switch need {
            case .head: head != nil || isOver
            case .bytes: !bytes.isEmpty || isOver
            }
        }

        mutating func takeWaiter() -> Waiter? {
            defer { waiter = nil }
            return waiter
        }
    }

    private let state = Mutex(State())

    func begin(status: Int, headers: [(name: String, value: String)]) {
        let waiter = state.withLock { state in
            state.head = HTTPResponse(status: status, headers: headers)
            return state.takeWaiter()
        }
        waiter?.resume()
    }

    func receive(_ bytes: UnsafeRawBufferPointer) -> Reception {
        let (waiter, reception) = state.withLock { state in
            guard state.bytes.count + bytes.count <= Self.maximumBufferedBytes else {
                state.isPaused = true
                return (state.takeWaiter(), Reception.paused)
            }
            state.bytes.append(contentsOf: bytes)
            return (state.takeWaiter(), .taken)
        }
        waiter?.resume()
        return reception
    }

    func end(_ failure: HTTPTransportError?) {
        let waiter = state.withLock { state in
            guard !state.isOver else { return state.takeWaiter() }
            (state.isOver, state.failure) = (true, failure)
            return state.takeWaiter()
        }
        waiter?.resume()
    }

    /// Ends the body as failed if that wait goes on and what it waits for is not there; answers whether it did.
    func expire(_ wait: Int, with failure: HTTPTransportError) -> Bool {
        let (didExpire, waiter) = state.withLock { state in
            guard let present = state.present, present.number == wait, !state.satisfies(present.need) else {
                return (false, nil as Waiter?)
            }
            (state.isOver, state.failure) = (true, failure)
            return (true, state.takeWaiter())
        }
        waiter?.resume()
        return didExpire
    }

    /// Status and headers; nil before they are there.
    func head() throws(HTTPTransportError) -> HTTPResponse? {
        let (head, failure) = state.withLock { ($0.head, $0.failure) }
        if let head { return head }
        if let failure { throw failure }
        return nil
    }

    /// All bytes that are there, or how it ended once all were taken; nil when there is nothing yet.
    func supply() -> Supply? {
        state.withLock { state in
            guard state.bytes.isEmpty else {
                defer { (state.bytes, state.isPaused) = ([], false) }
                return .bytes(state.bytes, resumes: state.isPaused)
            }
            guard state.isOver else { return nil }
            return state.failure.map { .failure($0) } ?? .end
        }
    }

    /// Begins to wait: from now on the wait can expire, which it is known by its number for. Nil when somebody else waits.
    func beginWait(for need: Need) -> Int? {
        state.withLock { state in
            guard state.present == nil else { return nil }
            state.waits += 1
            state.present = (state.waits, need)
            return state.waits
        }
    }

    /// Waits until there is what the wait was begun for, and ends it.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isWaiting = state.withLock { state in
                guard let present = state.present, !state.satisfies(present.need) else { return false }
                state.waiter = continuation
                return true
            }
            if !isWaiting { continuation.resume() }
        }
        state.withLock { $0.present = nil }
    }
}
