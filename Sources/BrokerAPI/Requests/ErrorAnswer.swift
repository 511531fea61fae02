import Broker
import Encodings
import HTTPTypes
import KBSProtocol

/// The one place where failures become statuses and error objects.
extension Answer {
    /// The protocol's error object with the status that belongs to the failure.
    ///
    /// - Parameter tellsCode: whether to add the error's stable word. The protocol's own endpoints have no such member.
    static func failure(_ error: BrokerError, tellsCode: Bool) -> Answer {
        var answer = Answer(
            status: status(of: error), contentType: "application/json",
            body: errorObject(error.variant, error.message, tellsCode ? error.code : nil))
        if answer.status == .serviceUnavailable || answer.status == .tooManyRequests {
            answer.headers[.retryAfter] = "1"
        }
        if answer.status == .unauthorized, error.variant == "AdminAuthAccess" {
            answer.headers[.wwwAuthenticate] = "Bearer"
        }
        return answer
    }

    /// The error object; besides the protocol's own names of errors the broker has some of its own.
    private static func errorObject(_ variant: String, _ detail: String, _ code: String? = nil) -> [UInt8] {
        KBSErrorObject(variant: variant, detail: detail, code: code).serialized()
    }

    private static func status(of error: BrokerError) -> HTTPResponse.Status {
        if error.variant == "TooManyRequests" { return .tooManyRequests }
        return switch error.kind {
        case .malformed: .badRequest
        case .unauthenticated: .unauthorized
        case .denied: .forbidden
        case .notFound: .notFound
        case .conflict: .conflict
        case .tooLarge: .contentTooLarge
        case .unavailable: .serviceUnavailable
        case .internal: .internalServerError
        }
    }

    static func wrongMethod(allowed: [HTTPRequest.Method]) -> Answer {
        var answer = Answer(
            status: .methodNotAllowed, contentType: "application/json",
            body: errorObject("MethodNotAllowed", "This path does not take this method"))
        answer.headers[.allow] = allowed.map(\.rawValue).sorted().joined(separator: ", ")
        return answer
    }
}

extension BrokerError {
    static let unknownPath = BrokerError(
        kind: .notFound, variant: "InvalidRequestPath", code: "unknown_path", message: "There is nothing at this path")

    static func unknownPlugin(_ name: String) -> BrokerError {
        BrokerError(
            kind: .notFound, variant: "PluginNotFound", code: "unknown_plugin", message: "Plugin \(name) not found")
    }

    static let tooManyRequests = BrokerError(
        kind: .unavailable, variant: "TooManyRequests", code: "rate_limited",
        message: "Too many requests from this address; try again later")

    static func bodyTooLarge(_ limit: Int) -> BrokerError {
        BrokerError(
            kind: .tooLarge, variant: "PayloadTooLarge", code: "body_too_large",
            message: "The request body is larger than \(limit) bytes")
    }
}
