import Encodings
import HTTPTransport

/// Talks to a broker's admin routes: the KBS protocol's own (`/kbs/v0/…`) and this broker's (`/claviger/v1/…`).
public struct AdminClient: Sendable {
    /// Where the broker is and how to address it.
    public struct Configuration: Sendable {
        /// The broker's address, for example `https://broker:8080`; a path in it is put before each route.
        public var url: String
        /// Connects to this Unix socket in place of the URL's host.
        public var unixSocket: String?
        /// Certificates (PEM) to trust in place of the system's; nil trusts the system's.
        public var trustAnchorsPEM: String?
        /// The bearer token; nil sends none.
        public var token: SecretBytes?
        /// Path of a file with the bearer token, read anew for each request so that a renewed token is used at once;
        /// counts when ``token`` is nil.
        public var tokenFile: String?
        /// Time for one request.
        public var timeout: Duration
        /// Whether `http` without TLS is allowed over TCP.
        public var insecureHTTPAllowed: Bool

        /// A configuration; only the address is needed.
        public init(
            url: String, unixSocket: String? = nil, trustAnchorsPEM: String? = nil, token: SecretBytes? = nil,
            tokenFile: String? = nil, timeout: Duration = .seconds(30), insecureHTTPAllowed: Bool = false
        ) {
            self.url = url
            self.unixSocket = unixSocket
            self.trustAnchorsPEM = trustAnchorsPEM
            self.token = token
            self.tokenFile = tokenFile
            self.timeout = timeout
            self.insecureHTTPAllowed = insecureHTTPAllowed
        }
    }

    private let configuration: Configuration
    private let http: HTTPClient

    /// A client for one broker.
    ///
    /// - Throws: `AdminClientError` with `invalid_input` when the certificates or the address cannot be used.
    public init(_ configuration: Configuration) throws(AdminClientError) {
        guard configuration.url.hasPrefix("https://") || configuration.url.hasPrefix("http://") else {
            throw AdminClientError(.invalidInput, "\(configuration.url) is no https:// address")
        }
        var trimmed = configuration
        while trimmed.url.hasSuffix("/") { trimmed.url.removeLast() }
        self.configuration = trimmed
        do throws(HTTPTransportError) {
            http = try HTTPClient(
                configuration: HTTPClientConfiguration(
                    trustAnchorsPEM: configuration.trustAnchorsPEM, systemTrust: configuration.trustAnchorsPEM == nil,
                    userAgent: "claviger", insecureHTTPAllowed: configuration.insecureHTTPAllowed))
        } catch {
            throw AdminClientError(error, url: configuration.url)
        }
    }

    /// Sends a request and gives the body of a 2xx answer.
    func send(
        _ method: String, _ target: RequestTarget, body: [UInt8]? = nil, contentType: String? = nil
    ) async throws(AdminClientError) -> [UInt8] {
        var headers: [(name: String, value: String)] = [("Accept", "application/json")]
        if let contentType { headers.append(("Content-Type", contentType)) }
        if let token = try bearerToken() {
            let text = token.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
            headers.append(("Authorization", "Bearer \(text)"))
        }
        let request = HTTPRequest(
            method: method, url: configuration.url + target.text, headers: headers, body: body,
            timeout: configuration.timeout, unixSocket: configuration.unixSocket)
        let response: HTTPResponse
        do throws(HTTPTransportError) {
            response = try await http.send(request)
        } catch {
            throw AdminClientError(error, url: configuration.url)
        }
        guard (200...299).contains(response.status) else { throw AdminClientError(response) }
        return response.body
    }

    private func bearerToken() throws(AdminClientError) -> SecretBytes? {
        if let token = configuration.token { return token }
        guard let file = configuration.tokenFile else { return nil }
        return try AdminToken.read(file: file)
    }

    /// Sends a request and reads the JSON of a 2xx answer.
    func json(
        _ method: String, _ target: RequestTarget, body: [UInt8]? = nil, contentType: String? = nil
    ) async throws(AdminClientError) -> JSONValue {
        let bytes = try await send(method, target, body: body, contentType: contentType)
        do throws(JSONError) {
            return try JSONValue(parsing: bytes, limits: JSONLimits(maximumBytes: 16 << 20))
        } catch {
            throw AdminClientError(.unexpected, "the broker's answer is not JSON: \(error.message)")
        }
    }

    /// Reads a list that stands in a member of the answer, or is the answer.
    func list(_ target: RequestTarget, member: String) async throws(AdminClientError) -> [JSONObject] {
        let value = try await json("GET", target)
        guard let elements = value.arrayValue ?? value[member]?.arrayValue else {
            throw AdminClientError(.unexpected, "the broker's answer has no list of \(member)")
        }
        return elements.compactMap(\.objectValue)
    }
}
