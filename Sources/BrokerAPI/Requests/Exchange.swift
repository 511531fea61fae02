import Broker
import Encodings
import FoundationEssentials
import HTTPTypes
import Hummingbird
import NIOCore

/// A request that was let in: what its handler works with.
struct Exchange: Sendable {
    let target: RequestTarget
    let parameters: [String: String]
    let query: [String: String]
    let headers: HTTPFields
    let body: [UInt8]
    /// Who asks, on admin routes.
    let principal: AdminPrincipal?

    /// A path parameter that the route always has.
    func parameter(_ name: String) -> String { parameters[name] ?? "" }

    /// Who is recorded as the author of a change.
    var author: String { principal?.recordedName ?? "nobody" }

    /// The one value of `Authorization: Bearer`, or `nil`.
    static func bearer(in headers: HTTPFields) -> String? {
        let values = headers[values: .authorization]
        guard values.count == 1, let value = values.first, value.hasPrefix("Bearer ") else { return nil }
        let token = value.dropFirst("Bearer ".count)
        guard !token.isEmpty, !token.contains(where: { $0 == " " || $0 == "\t" || $0 == "," }) else { return nil }
        return String(token)
    }

    /// A query parameter that is a number in a range.
    func number(_ name: String, in range: ClosedRange<Int>, default fallback: Int) throws(BrokerError) -> Int {
        guard let text = query[name] else { return fallback }
        guard let number = Int(text), range.contains(number) else { throw .invalidParameter(name) }
        return number
    }

    /// A query parameter that is `true` or `false`.
    func flag(_ name: String) throws(BrokerError) -> Bool? {
        switch query[name] {
        case nil: return nil
        case "true": return true
        case "false": return false
        default: throw .invalidParameter(name)
        }
    }
}

extension BrokerError {
    static func invalidParameter(_ name: String) -> BrokerError {
        BrokerError(
            kind: .malformed, variant: "MalformedRequest", code: "invalid_parameter",
            message: "Query parameter \(name) has no valid value")
    }
}

/// What a handler answers with.
struct Answer: Sendable {
    var status: HTTPResponse.Status = .ok
    var contentType: String?
    var body: [UInt8] = []
    var cookie: (value: String, expires: Date)?
    var headers: HTTPFields = [:]

    static let empty = Answer()

    static func json(_ value: JSONValue, status: HTTPResponse.Status = .ok) -> Answer {
        Answer(status: status, contentType: "application/json", body: value.serialized())
    }

    static func json(bytes: [UInt8]) -> Answer {
        Answer(contentType: "application/json", body: bytes)
    }

    func response(secureCookies: Bool) -> Response {
        var fields = headers
        fields[.cacheControl] = "no-store"
        if let contentType { fields[.contentType] = contentType }
        if let cookie {
            fields[.setCookie] = SessionCookie.header(
                value: cookie.value, expires: cookie.expires, secure: secureCookies)
        }
        return Response(status: status, headers: fields, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }
}
