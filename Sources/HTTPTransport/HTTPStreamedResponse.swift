/// The answer to an `HTTPRequest` whose body is read while it arrives.
public struct HTTPStreamedResponse: Sendable {
    /// Status and headers; its body is empty.
    public let head: HTTPResponse
    /// The body.
    public let body: HTTPBodyStream
}

/// The pieces of a body in the order and sizes in which they arrive, for one reader.
///
/// What is not read is not received: beyond a quarter of a mebibyte the connection waits. The exchange ends when the reader's
/// task is cancelled and when the last copy of the stream and of its iterators is gone.
public struct HTTPBodyStream: AsyncSequence, Sendable {
    /// A piece, never empty.
    public typealias Element = [UInt8]
    /// What ends the stream early.
    public typealias Failure = HTTPTransportError

    private let exchange: StreamedExchange

    init(_ exchange: StreamedExchange) {
        self.exchange = exchange
    }

    /// The rest of the body.
    ///
    /// - Throws: `too_large` when that is more than `limit` bytes, and how the exchange failed.
    public func collect(upTo limit: Int) async throws(HTTPTransportError) -> [UInt8] {
        var all: [UInt8] = []
        while let piece = try await exchange.next() {
            guard all.count + piece.count <= limit else {
                throw HTTPTransportError(.tooLarge, "The response is larger than \(limit) bytes.")
            }
            all.append(contentsOf: piece)
        }
        return all
    }

    /// Reads the body from where it was read to.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(exchange: exchange) }

    /// Reads a body.
    public struct AsyncIterator: AsyncIteratorProtocol {
        fileprivate let exchange: StreamedExchange

        /// The next piece; nil at the end.
        ///
        /// - Throws: `idle`, `connection_lost`, `cancelled` and whatever else may end an exchange.
        public mutating func next() async throws(HTTPTransportError) -> [UInt8]? {
            try await exchange.next()
        }

        /// The next piece; nil at the end. Throws as ``next()`` does.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(HTTPTransportError) -> [UInt8]? {
            try await exchange.next()
        }
    }
}
