import Encodings

/// What a request is answered with.
enum Reply: Sendable {
    case json(Int, JSONObject, warnings: [String] = [])
    case text(String)
    case watch(WatchPlan)
    /// No answer, ever.
    case silence
    /// The end of the connection.
    case hangUp

    static func failure(_ status: APIStatus) -> Reply { .json(status.code, status.json) }

    /// The same watch, disturbed after so many events.
    func disturbed(_ disturbance: Disturbance, after count: Int) -> Reply {
        guard case .watch(var plan) = self else { return self }
        plan.disturbance = (count, disturbance)
        return .watch(plan)
    }

    /// The same object under another version: what was not stored has that of before, or none.
    func withVersion(_ version: String?) -> Reply {
        guard case .json(let code, var object, let warnings) = self, !object.resourceVersion.isEmpty else {
            return self
        }
        object.edit("metadata") { $0["resourceVersion"] = version.map(JSONValue.string) }
        return .json(code, object, warnings: warnings)
    }
}

/// A watch that was accepted.
struct WatchPlan: Sendable {
    let kind: ResourceKind
    let namespace: String
    let labels: Selector
    let fields: Selector
    let shape: ObjectShape
    /// The revision after which changes are sent.
    var start: Int64
    /// What is sent before them: the objects that exist.
    var initial: [StoredObject] = []
    /// Whether a bookmark ends the initial objects.
    var endsInitialEvents = false
    let sendsBookmarks: Bool
    let timeout: Duration?
    /// What the watch ends with before it begins.
    var refusal: APIStatus?
    /// After how many events it is disturbed.
    var disturbance: (after: Int, what: Disturbance)?

    func selects(_ object: JSONObject) -> Bool {
        (namespace.isEmpty || object.namespace == namespace) && labels.matches(object) && fields.matches(object)
    }
}
