import Encodings

/// A Status of the API: what a failed request is answered with.
package struct APIStatus: Error, Sendable, Hashable {
    /// One reason of several, by the field that it is about.
    package struct Cause: Sendable, Hashable {
        package let reason: String
        package let message: String
        package let field: String?

        package init(reason: String, message: String, field: String? = nil) {
            self.reason = reason
            self.message = message
            self.field = field
        }

        var json: JSONValue {
            var object: JSONObject = ["reason": .string(reason), "message": .string(message)]
            object["field"] = field.map(JSONValue.string)
            return .object(object)
        }
    }

    package var code: Int
    package var reason: String
    package var message: String
    package var details: JSONObject = [:]
    package var causes: [Cause] = []
    /// Sent as `Retry-After` and as `retryAfterSeconds`.
    package var retryAfterSeconds: Int?

    package init(_ code: Int, _ reason: String, _ message: String) {
        self.code = code
        self.reason = reason
        self.message = message
    }

    /// The object as it is written on the wire.
    package var json: JSONObject {
        var object: JSONObject = [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "message": .string(message),
        ]
        if !reason.isEmpty { object["reason"] = .string(reason) }
        var details = details
        if !causes.isEmpty { details["causes"] = .array(causes.map(\.json)) }
        details["retryAfterSeconds"] = retryAfterSeconds.map { .int(Int64($0)) }
        if !details.isEmpty { object["details"] = .object(details) }
        object["code"] = .int(Int64(code))
        return object
    }
}

extension APIStatus {
    static func notFound(_ kind: ResourceKind, _ name: String) -> APIStatus {
        named(404, "NotFound", kind, name, "\(kind.qualifiedPlural) \"\(name)\" not found")
    }

    /// What an address that leads nowhere is answered with.
    static var noSuchPath: APIStatus {
        APIStatus(404, "NotFound", "the server could not find the requested resource")
    }

    static func alreadyExists(_ kind: ResourceKind, _ name: String) -> APIStatus {
        named(409, "AlreadyExists", kind, name, "\(kind.qualifiedPlural) \"\(name)\" already exists")
    }

    static func conflict(_ kind: ResourceKind, _ name: String, _ why: String) -> APIStatus {
        let message = "Operation cannot be fulfilled on \(kind.qualifiedPlural) \"\(name)\": \(why)"
        return named(409, "Conflict", kind, name, message)
    }

    static func stale(_ kind: ResourceKind, _ name: String) -> APIStatus {
        conflict(
            kind, name,
            "the object has been modified; please apply your changes to the latest version and try again")
    }

    static func invalid(_ kind: ResourceKind, _ name: String, _ causes: [Cause]) -> APIStatus {
        let texts = causes.map { cause in cause.field.map { "\($0): \(cause.message)" } ?? cause.message }
        let list = texts.count == 1 ? texts[0] : "[\(texts.joined(separator: ", "))]"
        let owner = kind.group.isEmpty ? kind.kind : "\(kind.kind).\(kind.group)"
        var status = APIStatus(422, "Invalid", "\(owner) \"\(name)\" is invalid: \(list)")
        status.details = ["name": .string(name), "group": .string(kind.group), "kind": .string(kind.kind)]
        status.causes = causes
        return status
    }

    static func badRequest(_ message: String) -> APIStatus { APIStatus(400, "BadRequest", message) }

    static func expired(_ message: String) -> APIStatus { APIStatus(410, "Expired", message) }

    /// A resource version that does not exist yet.
    static func fromTheFuture(_ revision: Int64, current: Int64) -> APIStatus {
        var status = APIStatus(
            504, "Timeout", "Timeout: Too large resource version: \(revision), current: \(current)")
        status.causes = [Cause(reason: "ResourceVersionTooLarge", message: "Too large resource version")]
        status.retryAfterSeconds = 1
        return status
    }

    static let unauthorized = APIStatus(401, "Unauthorized", "Unauthorized")

    static func tooManyRequests(retryAfter seconds: Int) -> APIStatus {
        var status = APIStatus(429, "TooManyRequests", "Too many requests, please try again later.")
        status.retryAfterSeconds = seconds
        return status
    }

    private static func named(
        _ code: Int, _ reason: String, _ kind: ResourceKind, _ name: String, _ message: String
    ) -> APIStatus {
        var status = APIStatus(code, reason, message)
        status.details = ["name": .string(name), "group": .string(kind.group), "kind": .string(kind.plural)]
        return status
    }
}
