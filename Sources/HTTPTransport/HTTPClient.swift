/// Outbound HTTP over libcurl: TLS is always verified, redirects are answers, and no proxy is used that was not given.
///
/// A client owns one thread that drives all its exchanges and one pool of kept-alive connections.
public final class HTTPClient: Sendable {
    private let configuration: HTTPClientConfiguration
    private let trust: TrustAnchors
    private let loop: TransferLoop

    /// Starts the client's thread.
    ///
    /// - Throws: `HTTPTransportError` `invalid_request` when the proxy is not a URL, `failed` when libcurl or the
    ///   thread cannot be started.
    public init(configuration: HTTPClientConfiguration = .init()) throws(HTTPTransportError) {
        try configuration.validate()
        self.configuration = configuration
        self.trust = TrustAnchors(configuration)
        self.loop = try TransferLoop.start()
    }

    deinit {
        loop.stop()
    }

    /// Sends the request and waits for the whole answer. Cancelling the calling task ends the exchange at once.
    ///
    /// - Returns: the response, whatever its status; redirects are not followed.
    /// - Throws: `HTTPTransportError`.
    public func send(_ request: HTTPRequest) async throws(HTTPTransportError) -> HTTPResponse {
        try request.validate(insecureHTTPAllowed: configuration.insecureHTTPAllowed)
        if Task.isCancelled { throw Transfer.cancelled }
        let response = CollectedResponse(maximumBytes: configuration.maximumResponseBytes)
        let transfer = try Transfer(request: request, configuration: configuration, trust: trust, sink: response)
        let outcome = await withTaskCancellationHandler {
            loop.begin(transfer)
            return await response.outcome()
        } onCancel: {
            loop.cancel(transfer)
        }
        return try outcome.get()
    }

    /// Sends the request and returns as soon as status and headers of the answer are there. The configuration's limit on
    /// the size of responses does not apply: whoever reads decides.
    ///
    /// - Parameters:
    ///   - request: the request; its timeout is for the time until status and headers are there, the rest may last for as
    ///     long as it is read.
    ///   - idleLimit: how long the server may be silent while somebody waits for the body; nil for as long as it likes.
    ///   - sleep: waits for so long; measures both times.
    /// - Returns: the response, whatever its status; redirects are not followed.
    /// - Throws: `HTTPTransportError`.
    public func stream(
        _ request: HTTPRequest, idleLimit: Duration? = nil,
        sleep: @escaping @Sendable (Duration) async throws -> Void = {
            try await Task.sleep(for: $0, clock: .continuous)
        }
    ) async throws(HTTPTransportError) -> HTTPStreamedResponse {
        try request.validate(insecureHTTPAllowed: configuration.insecureHTTPAllowed)
        if Task.isCancelled { throw Transfer.cancelled }
        let body = StreamedBody()
        let transfer = try Transfer(
            request: request, configuration: configuration, trust: trust, sink: body, isStreamed: true)
        let exchange = StreamedExchange(
            client: self, loop: loop, transfer: transfer, body: body, idleLimit: idleLimit, sleep: sleep)
        return HTTPStreamedResponse(
            head: try await exchange.head(within: request.timeout), body: HTTPBodyStream(exchange))
    }
}
