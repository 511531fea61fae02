import Encodings
import Kubernetes

/// A condition that changed its mind: something to tell people.
struct StatusTransition: Sendable, Hashable {
    let kind: EventRecorder.Kind
    let reason: String
    let note: String

    /// The changes from an object's present status to the wanted one.
    ///
    /// - Parameters:
    ///   - types: the conditions that matter. For these, `True` is good.
    static func between(
        _ present: JSONObject?, _ wanted: WantedStatus, of types: [String]
    ) -> [StatusTransition] {
        types.compactMap { type in
            guard let condition = wanted.condition(type) else { return nil }
            let former = (present?["conditions"]?.arrayValue ?? []).first { $0["type"]?.stringValue == type }
            let isSame =
                former?["status"]?.stringValue == condition.status.rawValue
                && former?["reason"]?.stringValue == condition.reason
            // That something is not there yet, or that nobody knows, is no news.
            guard !isSame, condition.status != .unknown, condition.reason != "Pending" else { return nil }
            return StatusTransition(
                kind: condition.status == .yes ? .normal : .warning,
                reason: condition.status == .yes ? type : condition.reason,
                note: condition.message)
        }
    }

    func record(to events: any EventPort, about object: KubernetesObject) {
        events.record(kind, reason: reason, action: "Reconcile", note: note, regarding: object)
    }
}
