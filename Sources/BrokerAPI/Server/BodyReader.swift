import Broker
import Hummingbird
import NIOCore
import Synchronization

/// Reads request bodies, all of them together in bounded memory.
///
/// Each body is bounded by itself; this bounds what many connections, or many streams of one, can make the process hold.
final class BodyReader: Sendable {
    private let capacity: Int
    private let timeLimit: Duration
    private let held = Mutex(0)

    /// - Parameters:
    ///   - capacity: The most bytes of bodies that are held at a time.
    ///   - timeLimit: How long a body may take to arrive; it is looked at whenever a part does.
    init(capacity: Int = 268_435_456, timeLimit: Duration = .seconds(60)) {
        self.capacity = capacity
        self.timeLimit = timeLimit
    }

    /// How many bytes are held now.
    var heldBytes: Int { held.withLock { $0 } }

    /// Reads a body of at most `limit` bytes and holds it while `use` runs.
    ///
    /// Throws `tooLarge` for a longer one, `unavailable` when too much is held already, and `malformed` when it breaks off or
    /// takes too long.
    func read<Result: Sendable>(
        _ request: Request, upTo limit: Int, use: ([UInt8]) async throws(BrokerError) -> Result
    ) async throws(BrokerError) -> Result {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw .bodyTooLarge(limit)
        }
        var body: [UInt8] = []
        defer { giveBack(body.count) }
        let started = ContinuousClock.now
        do {
            for try await part in request.body {
                let count = part.readableBytes
                guard count <= limit - body.count else { throw BrokerError.bodyTooLarge(limit) }
                guard started.duration(to: .now) < timeLimit else { throw BrokerError.bodyTooSlow }
                guard take(count) else { throw BrokerError.bodiesTooLarge }
                body += part.readableBytesView
            }
        } catch let error as BrokerError {
            throw error
        } catch {
            throw .bodyUnreadable
        }
        return try await use(body)
    }

    private func take(_ count: Int) -> Bool {
        held.withLock { held in
            guard count <= capacity - held else { return false }
            held += count
            return true
        }
    }

    private func giveBack(_ count: Int) {
        held.withLock { $0 -= count }
    }
}

extension BrokerError {
    static let bodyUnreadable = BrokerError(
        kind: .malformed, variant: "MalformedRequest", code: "body_unreadable",
        message: "The request body could not be read")

    static let bodyTooSlow = BrokerError(
        kind: .malformed, variant: "MalformedRequest", code: "body_too_slow",
        message: "The request body took too long to arrive")

    static let bodiesTooLarge = BrokerError(
        kind: .unavailable, variant: "ServiceUnavailable", code: "bodies_too_large",
        message: "Too many large requests at once; try again later")
}
