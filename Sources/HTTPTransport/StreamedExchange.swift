/// One exchange whose body is read while it arrives. It ends with its last reference.
final class StreamedExchange: Sendable {
    /// Keeps the loop running for as long as the exchange is read.
    private let client: HTTPClient
    private let loop: TransferLoop
    private let transfer: Transfer
    private let body: StreamedBody
    private let idleLimit: Duration?
    private let sleep: @Sendable (Duration) async throws -> Void

    init(
        client: HTTPClient, loop: TransferLoop, transfer: Transfer, body: StreamedBody, idleLimit: Duration?,
        sleep: @escaping @Sendable (Duration) async throws -> Void
    ) {
        self.client = client
        self.loop = loop
        self.transfer = transfer
        self.body = body
        self.idleLimit = idleLimit
        self.sleep = sleep
        loop.begin(transfer)
    }

    deinit {
        loop.cancel(transfer)
    }

    /// Status and headers, once they are there.
    func head(within limit: Duration) async throws(HTTPTransportError) -> HTTPResponse {
        while true {
            try refuseCancelled()
            if let head = try body.head() { return head }
            try await wait(
                for: .head, limit, HTTPTransportError(.timeout, "No answer began within \(limit)."))
        }
    }

    /// The bytes that are there, at least one; nil at the end.
    func next() async throws(HTTPTransportError) -> [UInt8]? {
        while true {
            try refuseCancelled()
            switch body.supply() {
            case .bytes(let bytes, let resumes):
                if resumes { loop.resume(transfer) }
                return bytes
            case .end: return nil
            case .failure(let failure): throw failure
            case nil:
                let sentence = "The server sent nothing for \(idleLimit.map(String.init(describing:)) ?? "too long")."
                try await wait(for: .bytes, idleLimit, HTTPTransportError(.idle, sentence))
            }
        }
    }

    private func refuseCancelled() throws(HTTPTransportError) {
        guard Task.isCancelled else { return }
        loop.cancel(transfer)
        throw Transfer.cancelled
    }

    private func wait(
        for need: StreamedBody.Need, _ limit: Duration?, _ expiry: HTTPTransportError
    ) async throws(HTTPTransportError) {
        guard let number = body.beginWait(for: need) else {
            throw HTTPTransportError(.invalidRequest, "A streamed answer has one reader at a time.")
        }
        let watchdog = limit.map { limit in
            Task { [body, sleep, loop, transfer] in
                try await sleep(limit)
                if body.expire(number, with: expiry) { loop.cancel(transfer) }
            }
        }
        defer { watchdog?.cancel() }
        await withTaskCancellationHandler {
            await body.wait()
        } onCancel: {
            body.end(Transfer.cancelled)
            loop.cancel(transfer)
        }
    }
}
