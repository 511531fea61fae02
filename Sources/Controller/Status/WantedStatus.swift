import Encodings
import Kubernetes

extension Condition {
    /// A condition of type, status, reason (one word in CamelCase) and message, in this order.
    init(_ type: String, _ status: Status, _ reason: String, _ message: String) {
        self.init(type: type, status: status, reason: reason, message: message)
    }
}

/// A status that an object shall show.
struct WantedStatus: Sendable, Hashable {
    var conditions: [Condition]
    /// Members besides the conditions and `observedGeneration`.
    var fields = JSONObject()

    func condition(_ type: String) -> Condition? { conditions.first { $0.type == type } }
}
