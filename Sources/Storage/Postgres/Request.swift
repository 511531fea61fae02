import Synchronization

/// How a request's statements may be sent.
enum RequestKind: Sendable {
    /// One read-only statement; may share a batch, and is sent again when a neighbour or a lost connection spoils it.
    case read
    /// One or more statements that take effect together; sent once.
    case write
}

/// One caller waiting for the database. Whoever settles it first wins: the loop, the deadline or the cancellation; the
/// caller is resumed exactly once.
final class Request: Sendable {
    typealias Answer = Result<[SQLRows], StorageError>

    private enum Waiter {
        case expected
        case waiting(CheckedContinuation<Answer, Never>)
        case settled(Answer)
        case resumed
    }

    let statements: [SQLStatement]
    let kind: RequestKind
    /// Nanoseconds of the monotonic clock.
    let deadline: UInt64
    private let waiter = Mutex<Waiter>(.expected)
    private let gauge: Gauge

    init(statements: [SQLStatement], kind: RequestKind, deadline: UInt64, gauge: Gauge) {
        self.statements = statements
        self.kind = kind
        self.deadline = deadline
        self.gauge = gauge
        gauge.raise()
    }

    var isSettled: Bool {
        waiter.withLock { waiter in
            switch waiter {
            case .expected, .waiting: false
            case .settled, .resumed: true
            }
        }
    }

    /// Attaches the caller; resumes it at once when the request is already settled.
    func attach(_ continuation: CheckedContinuation<Answer, Never>) {
        let answer: Answer? = waiter.withLock { waiter in
            guard case .settled(let answer) = waiter else {
                waiter = .waiting(continuation)
                return nil
            }
            waiter = .resumed
            return answer
        }
        if let answer { continuation.resume(returning: answer) }
    }

    func settle(_ answer: Answer) {
        let (continuation, isFirst): (CheckedContinuation<Answer, Never>?, Bool) = waiter.withLock { waiter in
            switch waiter {
            case .expected:
                waiter = .settled(answer)
                return (nil, true)
            case .waiting(let continuation):
                waiter = .resumed
                return (continuation, true)
            case .settled, .resumed: return (nil, false)
            }
        }
        if isFirst { gauge.lower() }
        continuation?.resume(returning: answer)
    }
}

/// How many requests are open.
final class Gauge: Sendable {
    private let count = Atomic<Int>(0)

    var value: Int { count.load(ordering: .relaxed) }
    func raise() { count.add(1, ordering: .relaxed) }
    func lower() { count.subtract(1, ordering: .relaxed) }
}
