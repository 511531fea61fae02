/// One outbound request.
public struct HTTPRequest: Sendable {
    /// Request method in capitals, such as `GET`.
    public var method: String
    /// Absolute URL. `https` always; `http` only over a Unix socket or when the client's configuration allows it.
    public var url: String
    /// Header fields in the order they are sent. Names and values must be free of control characters.
    public var headers: [(name: String, value: String)]
    /// Body bytes; nil sends none.
    public var body: [UInt8]?
    /// Time for the whole exchange: name lookup, connection, TLS, sending and receiving.
    public var timeout: Duration
    /// Time for name lookup, connection and TLS alone; nil leaves them the whole ``timeout``.
    public var connectTimeout: Duration?
    /// Path of a Unix stream socket to connect to in place of the URL's host; the host still names the server.
    public var unixSocket: String?

    /// Describes a request.
    ///
    /// - Parameters:
    ///   - method: method in capitals.
    ///   - url: absolute URL; its path is sent as written (dot segments and double slashes stay).
    ///   - headers: header fields, in order.
    ///   - body: body bytes, or nil.
    ///   - timeout: total time allowed.
    ///   - connectTimeout: time allowed until the connection stands, or nil.
    ///   - unixSocket: Unix socket to connect to, or nil.
    public init(
        method: String = "GET", url: String, headers: [(name: String, value: String)] = [], body: [UInt8]? = nil,
        timeout: Duration = .seconds(60), connectTimeout: Duration? = nil, unixSocket: String? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.timeout = timeout
        self.connectTimeout = connectTimeout
        self.unixSocket = unixSocket
    }
}

extension HTTPRequest: CustomStringConvertible, CustomReflectable {
    /// The method alone: URL, headers and body may carry what is secret.
    public var description: String { "\(method) request" }
    /// A mirror without children, so that `dump` shows neither tokens nor bodies.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}

extension HTTPRequest {
    /// Refuses what could smuggle another request or leave the transport the caller chose.
    func validate(insecureHTTPAllowed: Bool) throws(HTTPTransportError) {
        guard !method.isEmpty, method.utf8.allSatisfy(isTokenByte) else {
            throw HTTPTransportError(.invalidRequest, "The request method is not a token.")
        }
        guard url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
            throw HTTPTransportError(.invalidRequest, "The URL contains a space, a control or a non-ASCII character.")
        }
        for (name, value) in headers {
            guard !name.isEmpty, name.utf8.allSatisfy(isTokenByte) else {
                throw HTTPTransportError(.invalidRequest, "A header name is not a token.")
            }
            guard value.utf8.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }) else {
                throw HTTPTransportError(.invalidRequest, "The value of header \(name) has a control character.")
            }
        }
        if let unixSocket, unixSocket.isEmpty || unixSocket.utf8.contains(0) || unixSocket.utf8.count > 107 {
            throw HTTPTransportError(.invalidRequest, "A Unix socket path must have 1 to 107 bytes.")
        }
        guard timeout > .zero, connectTimeout.map({ $0 > .zero }) ?? true else {
            throw HTTPTransportError(.invalidRequest, "The timeout must be positive.")
        }
        try validateScheme(insecureHTTPAllowed: insecureHTTPAllowed)
    }

    private func validateScheme(insecureHTTPAllowed: Bool) throws(HTTPTransportError) {
        let lowered = url.lowercased()
        if lowered.hasPrefix("https://") { return }
        guard lowered.hasPrefix("http://") else {
            throw HTTPTransportError(.invalidRequest, "Only https and http URLs can be requested.")
        }
        guard unixSocket != nil || insecureHTTPAllowed else {
            throw HTTPTransportError(
                .insecure, "Plain http is refused: use https, a Unix socket, or allow insecure http explicitly.")
        }
    }
}

/// RFC 9110 section 5.6.2 `tchar`.
private func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "a")...UInt8(ascii: "z"):
        true
    default:
        "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
}
