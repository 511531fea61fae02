import Encodings

/// One aspect of an object's state, as Kubernetes' `metav1.Condition`.
public struct Condition: Sendable, Hashable {
    /// Whether it holds.
    public enum Status: String, Sendable, Hashable {
        /// It does.
        case yes = "True"
        /// It does not.
        case no = "False"
        /// Nobody knows yet.
        case unknown = "Unknown"
    }

    /// The longest message in bytes (the API's own bound).
    static let maximumMessage = 32_768

    /// Which aspect, such as `Accepted`.
    public let type: String
    /// Whether it holds.
    public let status: Status
    /// Why, as one word in camel case.
    public let reason: String
    /// Why, as a sentence; cut to 32 KiB when written.
    public let message: String

    /// A condition.
    public init(type: String, status: Status, reason: String, message: String) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
    }

    /// The condition as JSON. Its last transition stays that of `previous` for as long as the status is the same.
    func json(previous: JSONObject?, generation: Int64?, timestamp: String) -> JSONObject {
        let isSame = previous?["status"]?.stringValue == status.rawValue
        let transition = isSame ? previous?["lastTransitionTime"]?.stringValue : nil
        var json: JSONObject = [
            "type": .string(type), "status": .string(status.rawValue), "reason": .string(reason),
            "message": .string(message.cut(toBytes: Self.maximumMessage)),
            "lastTransitionTime": .string(transition ?? timestamp),
        ]
        json["observedGeneration"] = generation.map { .int($0) }
        return json
    }
}

extension String {
    /// The text, or its beginning of at most `limit` bytes of UTF-8, cut between characters.
    func cut(toBytes limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var end = utf8.index(utf8.startIndex, offsetBy: limit - "…".utf8.count)
        while end > startIndex, end.samePosition(in: unicodeScalars) == nil { end = utf8.index(before: end) }
        return String(self[..<end]) + "…"
    }
}
