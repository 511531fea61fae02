import Encodings
import HTTPTransport
import KBSProtocol

/// What a broker says when it does not answer 200.
struct BrokerRefusal {
    let status: Int
    /// The longest wish to be left alone that is followed, in seconds: one odd answer must not stop a pod for an hour.
    static let longestWait = 120
    /// Nil when the body is no error object.
    let error: KBSErrorObject?
    /// The broker's wish in seconds, from 1 to ``longestWait``.
    let retryAfter: Int?

    init(_ response: HTTPResponse) {
        status = response.status
        error = try? KBSErrorObject(parsing: response.body)
        retryAfter = response.header("Retry-After").flatMap { Int($0) }.map { min(max($0, 1), Self.longestWait) }
    }

    /// The safe code in the detail, as in `… (code: condition_false; decision: ID)`.
    var code: String? { value(after: "code: ") }
    /// The decision id in the detail.
    var decisionID: String? { value(after: "decision: ") }

    /// Whether a fresh token may help. Brokers of the reference implementation answer 401 to almost everything, so
    /// the error's name decides.
    var asksForAttestation: Bool {
        guard status == 401 else { return false }
        switch error?.variant {
        case .policyDeny, .pluginInternalError, .pluginNotFound, .invalidRequestPath, .jweError, .policyEngineError:
            return false
        default:
            return true
        }
    }

    /// The failure of a resource request.
    func releaseError(of uri: ResourceURI) -> GuestError {
        blamed(releaseFailure(of: uri))
    }

    /// Errors of a server are its own; being asked to slow down is meant for the guest, wherever it asks.
    private func blamed(_ error: GuestError) -> GuestError {
        let isAboutTheGuest = [.denied, .notFound, .invalidRequest].contains(error.code)
        return status >= 500 && !isAboutTheGuest ? error.blamingAddress(isTimeout: status == 504) : error
    }

    private func releaseFailure(of uri: ResourceURI) -> GuestError {
        let detail = detailSentence
        return switch (status, error?.variant) {
        case (_, .policyDeny), (403, _):
            GuestError(
                .denied, "The broker denies \(uri)\(detail)", brokerCode: code, decisionID: decisionID)
        case (404, _):
            GuestError(
                .notFound, "The broker has no resource \(uri)\(detail)", brokerCode: code, decisionID: decisionID)
        case (401, _) where asksForAttestation:
            GuestError(.unauthorized, "request unauthorized: the broker refuses the token for \(uri)\(detail)")
        case (429, _), (502...504, _):
            GuestError(.unavailable, "The broker cannot answer now\(detail)", brokerCode: code, retryAfter: retryAfter)
        case (400, _):
            GuestError(.invalidRequest, "The broker cannot read the request for \(uri)\(detail)", brokerCode: code)
        default:
            GuestError(.unexpected, "The broker answered \(status) for \(uri)\(detail)", brokerCode: code)
        }
    }

    /// The failure of one step of the handshake.
    func attestationError(in step: String) -> GuestError {
        blamed(attestationFailure(in: step))
    }

    private func attestationFailure(in step: String) -> GuestError {
        switch status {
        case 429, 502...504:
            GuestError(.unavailable, "The broker cannot attest now\(detailSentence)", retryAfter: retryAfter)
        case 400, 401, 403:
            GuestError(
                .attestationFailed, "The broker refuses this guest in \(step)\(detailSentence)", brokerCode: code,
                decisionID: decisionID)
        default:
            GuestError(.unexpected, "The broker answered \(status) in \(step)\(detailSentence)", brokerCode: code)
        }
    }

    /// The broker's own words, or that there were none; begins with the separator.
    var detailSentence: String {
        guard let error else { return " (status \(status), without an error object)." }
        return ": \(Self.printable(error.type)): \(Self.printable(error.detail))"
    }

    private func value(after marker: String) -> String? {
        guard let detail = error?.detail, let start = detail.firstRange(of: marker)?.upperBound else { return nil }
        let value = detail[start...].prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        return value.isEmpty || value.count > 64 ? nil : String(value)
    }

    /// A broker's text goes into logs and answers: bounded, and without what drives a terminal.
    private static func printable(_ text: String) -> String {
        String(String.UnicodeScalarView(text.unicodeScalars.prefix(500))).printable
    }
}
