/// Why an exchange failed. Never contains a body, a header value or a query.
public struct HTTPTransportError: Error, Sendable, Hashable, CustomStringConvertible {
    /// Stable names of the failures.
    public enum Code: String, Sendable, Hashable, CaseIterable {
        /// The request itself cannot be sent (URL, method, header, timeout).
        case invalidRequest = "invalid_request"
        /// Plain http without permission.
        case insecure
        /// The host has an address that this client does not connect to.
        case forbiddenAddress = "forbidden_address"
        /// Name lookup or connection failed.
        case unreachable
        /// The connection ended in the middle of the exchange.
        case connectionLost = "connection_lost"
        /// The total timeout passed.
        case timeout
        /// The server was silent for longer than the reader of its answer allows.
        case idle
        /// TLS handshake or certificate verification failed.
        case tls
        /// The response exceeds the configured size.
        case tooLarge = "too_large"
        /// The calling task was cancelled.
        case cancelled
        /// Anything else libcurl reports.
        case failed
    }

    /// What kind of failure.
    public let code: Code
    /// A sentence for the operator.
    public let message: String

    /// Makes an error of the given kind.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// Code and sentence.
    public var description: String { "\(code.rawValue): \(message)" }

    /// Whether trying again later may succeed without any change on this side.
    public var isTransient: Bool {
        switch code {
        case .unreachable, .connectionLost, .timeout, .idle: true
        case .invalidRequest, .insecure, .forbiddenAddress, .tls, .tooLarge, .cancelled, .failed: false
        }
    }
}
