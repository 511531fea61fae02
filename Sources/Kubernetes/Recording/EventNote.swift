import Encodings

/// One thing that happened to an object, as it is told in an event.
struct EventNote: Sendable, Hashable {
    /// The API's own bounds, in bytes.
    private static let maximumNote = 1_024
    private static let maximumWord = 128

    let kind: String
    let reason: String
    let action: String
    let note: String
    let subject: Subject

    /// The object that it happened to.
    struct Subject: Sendable, Hashable {
        let apiVersion: String
        let kind: String
        let key: ObjectKey
        let uid: String?
    }

    init(kind: String, reason: String, action: String, note: String, regarding object: KubernetesObject) {
        self.kind = kind
        self.reason = reason.printable.cut(toBytes: Self.maximumWord)
        self.action = action.printable.cut(toBytes: Self.maximumWord)
        // Notes carry what guests and files say, and end up in terminals.
        self.note = note.printableLines.cut(toBytes: Self.maximumNote)
        subject = Subject(
            apiVersion: object.apiVersion ?? "", kind: object.kind ?? "", key: ObjectKey(object), uid: object.uid)
    }

    /// The namespace that the event lies in. What has none is told of in `default`.
    var namespace: String { subject.key.namespace ?? "default" }

    /// A name for the event: the object's, with a suffix that makes it the only one.
    func eventName(suffix: UInt64) -> String {
        let digits = String(suffix, radix: 16)
        var stem = String(subject.key.name.prefix(253 - digits.utf8.count - 1))
        while let last = stem.last, !last.isLetter, !last.isNumber { stem.removeLast() }
        return stem.isEmpty ? digits : "\(stem).\(digits)"
    }

    /// The event's content (events.k8s.io/v1).
    func event(name: String, reporter: EventReporter, time: String, series: JSONObject?) -> KubernetesObject {
        var regarding: JSONObject = [
            "apiVersion": .string(subject.apiVersion), "kind": .string(subject.kind), "name": .string(subject.key.name),
        ]
        regarding["namespace"] = subject.key.namespace.map { .string($0) }
        regarding["uid"] = subject.uid.map { .string($0) }
        var event = KubernetesObject(.events, namespace: namespace, name: name)
        event.json["eventTime"] = .string(time)
        event.json["reportingController"] = .string(reporter.controller)
        event.json["reportingInstance"] = .string(reporter.instance.cut(toBytes: Self.maximumWord))
        event.json["type"] = .string(kind)
        event.json["reason"] = .string(reason)
        event.json["action"] = .string(action)
        event.json["note"] = .string(note)
        event.json["regarding"] = .object(regarding)
        event.json["series"] = series.map { .object($0) }
        return event
    }
}

/// Who tells of events.
struct EventReporter: Sendable, Hashable {
    /// The controller's qualified name, such as `claviger.dev/controller`.
    let controller: String
    /// This process.
    let instance: String
}
