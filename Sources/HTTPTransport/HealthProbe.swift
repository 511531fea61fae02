/// Asks a server's health endpoint, as container runtimes do that can only run programs.
public struct HealthProbe: Sendable {
    private let url: String
    private let trustAnchorsPEM: String?
    private let unixSocket: String?
    private let timeout: Duration

    /// A probe.
    ///
    /// - Parameters:
    ///   - url: what to ask; `http` is accepted, since nothing secret is sent.
    ///   - trustAnchorsPEM: certification authorities (PEM) to trust in place of the system's.
    ///   - unixSocket: the Unix socket to connect to in place of the URL's host.
    ///   - timeout: time for the whole exchange.
    public init(
        url: String, trustAnchorsPEM: String? = nil, unixSocket: String? = nil, timeout: Duration = .seconds(5)
    ) {
        self.url = url
        self.trustAnchorsPEM = trustAnchorsPEM
        self.unixSocket = unixSocket
        self.timeout = timeout
    }

    /// The status that the server answers; 200 is healthy.
    ///
    /// - Throws: `HTTPTransportError` when there is no answer.
    public func status() async throws(HTTPTransportError) -> Int {
        let client = try HTTPClient(
            configuration: .init(
                trustAnchorsPEM: trustAnchorsPEM, systemTrust: trustAnchorsPEM == nil, userAgent: "claviger-probe",
                maximumResponseBytes: 1_048_576, insecureHTTPAllowed: true))
        return try await client.send(HTTPRequest(url: url, timeout: timeout, unixSocket: unixSocket)).status
    }
}
