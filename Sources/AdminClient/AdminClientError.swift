import HTTPTransport
import KBSProtocol

/// Why an admin request failed. Holds no token and no resource bytes.
public struct AdminClientError: Error, Sendable, Hashable, CustomStringConvertible {
    /// The stable name of the failure.
    public enum Code: String, Sendable, Hashable {
        /// The broker cannot be reached, or asked to come back later (503, 429).
        case unavailable
        /// The broker's certificate is not trusted, or the TLS handshake failed.
        case untrusted
        /// No token, or one that the broker does not accept (401).
        case unauthenticated
        /// The token's role may not do this (403).
        case denied
        /// There is nothing of that name (404).
        case notFound = "not_found"
        /// The change contradicts the present state (409).
        case conflict
        /// The broker refused the content (400, 413, 422).
        case invalid
        /// The caller's own input makes no request: a URL, a path, a token file.
        case invalidInput = "invalid_input"
        /// The answer is not what this client understands, or a server error.
        case unexpected
    }

    /// The failure's stable name.
    public let code: Code
    /// The HTTP status; nil when there was no answer.
    public let status: Int?
    /// The name of the broker's error object, for example `AdminAuthAccess`; nil when there was none.
    public let type: String?
    /// The broker's own stable word for the refusal, for example `fenced` or `signature_required`; nil when it said none.
    public let brokerCode: String?
    /// One sentence for the person at the terminal.
    public let message: String

    /// An error from its parts.
    public init(
        _ code: Code, _ message: String, status: Int? = nil, type: String? = nil, brokerCode: String? = nil
    ) {
        self.code = code
        self.status = status
        self.type = type
        self.brokerCode = brokerCode
        self.message = message
    }

    /// The code and the sentence.
    public var description: String { "\(code.rawValue): \(message)" }
}

extension AdminClientError {
    private static let maximumDetail = 4_096

    init(_ response: HTTPResponse) {
        let object = try? KBSErrorObject(parsing: response.body)
        // Whoever answers is not known to be a broker: what he says is shown, but not at any length.
        let message =
            object.map { String($0.detail.prefix(Self.maximumDetail)) }
            ?? "the broker answered with status \(response.status)"
        self.init(
            Self.code(ofStatus: response.status), message, status: response.status, type: object?.type,
            brokerCode: object?.code)
    }

    init(_ error: HTTPTransportError, url: String) {
        switch error.code {
        case .invalidRequest, .insecure, .forbiddenAddress:
            self.init(.invalidInput, error.message)
        case .tls:
            self.init(.untrusted, "no secure connection to \(url): \(error.message)")
        case .tooLarge:
            self.init(.unexpected, error.message)
        default:
            self.init(.unavailable, "\(url) cannot be reached: \(error.message)")
        }
    }

    private static func code(ofStatus status: Int) -> Code {
        switch status {
        case 400, 413, 422: .invalid
        case 401: .unauthenticated
        case 403: .denied
        case 404: .notFound
        case 409: .conflict
        case 429, 503: .unavailable
        default: .unexpected
        }
    }
}
