import Encodings

/// What an API server is told about an object.
struct AdmissionAnswer: Sendable, Hashable {
    /// Why the object must not be stored.
    struct Refusal: Sendable, Hashable {
        /// One field that is wrong.
        struct Cause: Sendable, Hashable {
            let field: String
            let message: String
        }

        /// The status that clients get: 403, 422, or 503 when trying again later may help.
        let status: Int64
        /// The API's word for it, such as `Invalid`.
        let reason: String
        /// What is wrong and what to do about it.
        let message: String
        var causes: [Cause] = []
    }

    /// How long a warning may be, and how long all of them together: API servers cut what is longer.
    static let longestWarning = 256
    static let allWarnings = 4_096
    static let mostCauses = 32

    var refusal: Refusal?
    var warnings: [String] = []
    /// Changes of the object (RFC 6902); empty for none.
    var patch: [JSONValue] = []

    /// The object is fine as it is.
    static let allowed = AdmissionAnswer()

    static func refused(
        _ status: Int64, _ reason: String, _ message: String, causes: [Refusal.Cause] = []
    ) -> AdmissionAnswer {
        AdmissionAnswer(refusal: Refusal(status: status, reason: reason, message: message, causes: causes))
    }

    /// One word for metrics and logs.
    var result: String { refusal == nil ? (patch.isEmpty ? "allowed" : "patched") : "refused" }

    /// The review that answers the request of that uid.
    func review(uid: String) -> JSONObject {
        var response: JSONObject = ["uid": .string(uid), "allowed": .bool(refusal == nil)]
        response["status"] = refusal.map { .object(Self.status($0)) }
        let warnings = Self.shortened(warnings)
        if !warnings.isEmpty { response["warnings"] = .array(warnings.map { .string($0) }) }
        if refusal == nil, !patch.isEmpty {
            response["patchType"] = "JSONPatch"
            response["patch"] = .string(Base64.encode(JSONValue.array(patch).serialized()))
        }
        return [
            "apiVersion": .string(AdmissionRequest.apiVersion), "kind": "AdmissionReview",
            "response": .object(response),
        ]
    }

    private static func status(_ refusal: Refusal) -> JSONObject {
        var status: JSONObject = [
            "status": "Failure", "code": .int(refusal.status), "reason": .string(refusal.reason),
            "message": .string(refusal.message.printableLines),
        ]
        let causes = refusal.causes.prefix(mostCauses).map { cause -> JSONValue in
            [
                "reason": "FieldValueInvalid", "field": .string(cause.field.printable),
                "message": .string(cause.message.printable),
            ]
        }
        if !causes.isEmpty { status["details"] = ["causes": .array(causes)] }
        return status
    }

    /// Warnings travel in HTTP headers: one line each, and not too much of them.
    private static func shortened(_ warnings: [String]) -> [String] {
        var result: [String] = []
        var room = allWarnings
        for (index, warning) in warnings.enumerated() {
            let text = cut(warning.printable, to: longestWarning)
            let last = "\(warnings.count - index) more warnings: see `claviger policy lint`."
            guard text.utf8.count + last.utf8.count <= room else { return result + [last] }
            room -= text.utf8.count
            result.append(text)
        }
        return result
    }

    private static func cut(_ text: String, to limit: Int) -> String {
        guard text.utf8.count > limit else { return text }
        var result = ""
        var room = limit - "…".utf8.count
        for character in text {
            room -= character.utf8.count
            if room < 0 { break }
            result.append(character)
        }
        return result + "…"
    }
}
