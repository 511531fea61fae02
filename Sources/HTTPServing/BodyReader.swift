public import HummingbirdCore
import NIOCore
import Synchronization

/// Reads request bodies, all of them together in bounded memory.
///
/// Each body is bounded by itself; this bounds what many connections, or many streams of one, can make the process hold.
/// What counts is what has arrived: announcing much takes no room from anybody.
public final class BodyReader: Sendable {
    private let capacity: Int
    private let timeLimit: Duration
    private let held = Mutex(0)

    /// Holds nothing yet.
    ///
    /// - Parameters:
    ///   - capacity: The most bytes of bodies that are held at a time.
    ///   - timeLimit: How long a body may take to arrive. It is looked at whenever a part does; ``RequestDeadline`` ends
    ///     connections on which nothing arrives.
    public init(capacity: Int, timeLimit: Duration) {
        self.capacity = capacity
        self.timeLimit = timeLimit
    }

    /// How many bytes are held now.
    public var heldBytes: Int { held.withLock { $0 } }

    /// Reads a body of at most `limit` bytes and holds it while `use` runs.
    ///
    /// - Throws: What `use` throws, and what `refusal` makes of the reason when the body cannot be had.
    public func read<Result: Sendable, Failure: Error>(
        _ request: Request, upTo limit: Int, refusal: (BodyRefusal) -> Failure,
        use: ([UInt8]) async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        var body: [UInt8] = []
        defer { giveBack(body.count) }
        do throws(BodyRefusal) {
            try await collect(request, limit, into: &body)
        } catch {
            throw refusal(error)
        }
        return try await use(body)
    }

    private func collect(_ request: Request, _ limit: Int, into body: inout [UInt8]) async throws(BodyRefusal) {
        if let length = request.headers[.contentLength].flatMap({ Int($0) }), length > limit {
            throw .tooLarge(limit)
        }
        let started = ContinuousClock.now
        var parts = request.body.makeAsyncIterator()
        while let part = try await Self.next(&parts) {
            let count = part.readableBytes
            guard count <= limit - body.count else { throw .tooLarge(limit) }
            guard started.duration(to: .now) < timeLimit else { throw .tooSlow }
            guard take(count) else { throw .noRoom }
            body += part.readableBytesView
        }
    }

    private static func next(_ parts: inout RequestBody.AsyncIterator) async throws(BodyRefusal) -> ByteBuffer? {
        do {
            return try await parts.next()
        } catch {
            throw .brokenOff
        }
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

/// Why a request's body cannot be had.
public enum BodyRefusal: Error, Sendable, Hashable {
    /// It is larger than this many bytes.
    case tooLarge(Int)
    /// It took too long to arrive.
    case tooSlow
    /// Too much is held already.
    case noRoom
    /// It ended before its end.
    case brokenOff
}
