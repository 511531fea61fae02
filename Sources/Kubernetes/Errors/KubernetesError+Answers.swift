import Encodings
import HTTPTransport

extension KubernetesError {
    private static let maximumCauses = 32
    private static let maximumMessageLength = 1_024

    static func malformed(_ message: String) -> KubernetesError { KubernetesError(.malformed, message: message) }

    /// What a failed exchange means. The transport's sentences name hosts, never content.
    init(_ failure: HTTPTransportError) {
        let kind: Kind =
            switch failure.code {
            case .cancelled: .cancelled
            case .idle: .watchIdle
            case .invalidRequest, .insecure: .invalid
            case .tooLarge: .tooLarge
            case .forbiddenAddress, .unreachable, .connectionLost, .timeout, .tls, .failed: .transport
            }
        self.init(kind, reason: failure.code.rawValue, message: failure.message)
    }

    /// What an answer without success means. Only a Status is quoted: anything else may come from anybody on the way.
    init(_ response: HTTPResponse) {
        let limits = JSONLimits(maximumBytes: 1_048_576, maximumDepth: 32, maximumValues: 20_000)
        let json = try? JSONObject(parsing: response.body, limits: limits)
        let wait = response.header("Retry-After").flatMap(Int64.init)
        guard let json, json["kind"]?.stringValue == "Status" else {
            self.init(
                Self.kind(status: response.status, reason: "", causes: []), statusCode: response.status,
                message: "The server answered \(response.status) without saying why.", retryAfter: Self.wait(wait))
            return
        }
        self.init(status: json, code: response.status, wait: wait)
    }

    /// What a Status means that came as an ERROR event.
    init(errorEvent status: JSONObject) {
        let code = status["code"]?.intValue.flatMap { Int(exactly: $0) }
        guard status["kind"]?.stringValue == "Status", let code else {
            self = .malformed("An ERROR event holds no Status.")
            return
        }
        self.init(status: status, code: code, wait: nil)
    }

    private init(status: JSONObject, code: Int, wait: Int64?) {
        let reason = Self.bounded(status["reason"]?.stringValue ?? "")
        let details = status["details"]?.objectValue ?? [:]
        let causes = (details["causes"]?.arrayValue ?? []).prefix(Self.maximumCauses)
        self.init(
            Self.kind(status: code, reason: reason, causes: causes.compactMap { $0["reason"]?.stringValue }),
            statusCode: code, reason: reason,
            message: Self.bounded(status["message"]?.stringValue ?? "The server answered \(code)."),
            causes: causes.map { cause in
                Cause(
                    field: Self.bounded(cause["field"]?.stringValue ?? ""),
                    message: Self.bounded(cause["message"]?.stringValue ?? ""))
            },
            retryAfter: Self.wait(wait ?? details["retryAfterSeconds"]?.intValue))
    }

    private static func kind(status: Int, reason: String, causes: [String]) -> Kind {
        switch reason {
        case "AlreadyExists": return .alreadyExists
        case "Gone", "Expired": return .gone
        case "Timeout" where causes.contains("ResourceVersionTooLarge"): return .resourceVersionTooLarge
        case "Timeout", "ServerTimeout": return .serverTimeout
        case "TooManyRequests": return .throttled
        default: break
        }
        switch status {
        case 401: return .unauthorized
        case 403: return .forbidden
        case 404: return .notFound
        case 409: return .conflict
        case 410: return .gone
        case 429: return .throttled
        case 400..<500: return .invalid
        case 504: return .serverTimeout
        case 500..<600: return .serverError
        default: return .malformed
        }
    }

    /// Nobody is left alone for more than an hour on a server's word.
    private static func wait(_ seconds: Int64?) -> Duration? {
        guard let seconds, seconds > 0 else { return nil }
        return .seconds(min(seconds, 3_600))
    }

    private static func bounded(_ text: String) -> String {
        String(text.unicodeScalars.prefix(maximumMessageLength)).printable
    }
}
