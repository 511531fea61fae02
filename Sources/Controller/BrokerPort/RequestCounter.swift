import Synchronization

/// Counts the requests of this process: a later one has a bigger number, so that the broker sees which was held up on its way.
///
/// What is sent is read before the request is counted, and nothing is read for a second request about the same thing before
/// the first is over.
final class RequestCounter: Sendable {
    private let last = Atomic<Int64>(0)

    func next() -> Int64 { last.wrappingAdd(1, ordering: .relaxed).newValue }
}
