/// The events of one watch, in order, for one reader.
///
/// Events are read from the connection as they are asked for: a slow reader slows the server down, and nothing piles up. The
/// stream ends when the server ends the watch in good order, which it does after `timeoutSeconds`. An ERROR event, a line
/// that is no event, and a connection that is cut or silent are thrown.
public struct WatchStream: AsyncSequence, Sendable {
    /// What the stream gives.
    public typealias Element = WatchEvent
    /// What the stream throws.
    public typealias Failure = KubernetesError

    private let events: @Sendable () async throws(KubernetesError) -> WatchEvent?

    /// A stream of what a function gives, until that is nil or an error. It is not called again after either.
    public init(_ events: @escaping @Sendable () async throws(KubernetesError) -> WatchEvent?) {
        self.events = events
    }

    /// Reads the stream.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(events) }

    /// Reads a stream.
    public struct AsyncIterator: AsyncIteratorProtocol {
        private var events: (@Sendable () async throws(KubernetesError) -> WatchEvent?)?

        fileprivate init(_ events: @escaping @Sendable () async throws(KubernetesError) -> WatchEvent?) {
            self.events = events
        }

        /// The next event; nil at the end of the watch and after an error.
        public mutating func next() async throws(KubernetesError) -> WatchEvent? {
            try await next(isolation: #isolation)
        }

        /// The next event; nil at the end of the watch and after an error.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(KubernetesError) -> WatchEvent? {
            guard let events else { return nil }
            self.events = nil
            guard let event = try await events() else { return nil }
            self.events = events
            return event
        }
    }
}
