import Encodings

extension JSONObject {
    /// Changes an object inside this one, which is made when it is missing and removed when it ends up empty.
    package mutating func edit(_ name: String, _ change: (inout JSONObject) throws -> Void) rethrows {
        var inner = self[name]?.objectValue ?? [:]
        try change(&inner)
        self[name] = inner.isEmpty && self[name] == nil ? nil : .object(inner)
    }

    /// `metadata`.
    var metadata: JSONObject { self["metadata"]?.objectValue ?? [:] }
    package var name: String { self["metadata"]?["name"]?.stringValue ?? "" }
    package var namespace: String { self["metadata"]?["namespace"]?.stringValue ?? "" }
    package var uid: String { self["metadata"]?["uid"]?.stringValue ?? "" }
    package var resourceVersion: String { self["metadata"]?["resourceVersion"]?.stringValue ?? "" }
    var finalizers: [String] { (self["metadata"]?["finalizers"]?.arrayValue ?? []).compactMap(\.stringValue) }
}
