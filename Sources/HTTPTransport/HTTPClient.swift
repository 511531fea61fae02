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
        let transfer = try Transfer(request: request, configuration: configuration, trust: trust)
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                loop.begin(transfer, continuation)
            }
        } onCancel: {
            loop.cancel(transfer)
        }
        return try result.get()
    }
}
