import HTTPTransport

/// Reads the events of a watch from its connection, one when one is asked for.
actor WatchReader {
    private let body: HTTPBodyStream
    private let kind: String
    private let maximumLineBytes: Int
    private var lines: LineSplitter
    private var end: Result<WatchEvent?, KubernetesError>?

    init(_ body: HTTPBodyStream, kind: String, maximumLineBytes: Int) {
        self.body = body
        self.kind = kind
        self.maximumLineBytes = maximumLineBytes
        lines = LineSplitter(maximumLineBytes: maximumLineBytes)
    }

    /// The next event; nil when the server ended the watch between two events. An end, good or bad, stays one: nothing that
    /// follows an event that could not be read is given out as if none were missing.
    func next() async throws(KubernetesError) -> WatchEvent? {
        if let end { return try end.get() }
        do throws(KubernetesError) {
            if let event = try await read() { return event }
            end = .success(nil)
            return nil
        } catch {
            end = .failure(error)
            throw error
        }
    }

    private func read() async throws(KubernetesError) -> WatchEvent? {
        while true {
            if let line = try lines.next() {
                return try WatchEvent(line: line, kind: kind, maximumBytes: maximumLineBytes)
            }
            guard let piece = try await piece() else {
                guard !lines.hasRest else {
                    throw KubernetesError(.transport, message: "The watch ended in the middle of an event.")
                }
                return nil
            }
            lines.append(piece)
        }
    }

    private func piece() async throws(KubernetesError) -> [UInt8]? {
        var iterator = body.makeAsyncIterator()
        do throws(HTTPTransportError) {
            return try await iterator.next()
        } catch {
            throw KubernetesError(error)
        }
    }
}
