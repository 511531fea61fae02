import Encodings

extension WatchEvent {
    /// Reads a line of a watch: first what it is, then the object, which must be of the kind that is watched.
    ///
    /// - Throws: the failure that an ERROR event tells, and `malformed` for a line that is no event.
    init(line bytes: [UInt8], kind: String, maximumBytes: Int) throws(KubernetesError) {
        let line: (json: JSONObject, isCut: Bool)
        do throws(JSONError) {
            line = try ObjectReader.event(bytes, maximumBytes: maximumBytes)
        } catch {
            throw .malformed("A line of the watch is no JSON object: \(error)")
        }
        guard let type = line.json["type"]?.stringValue, let content = line.json["object"]?.objectValue else {
            throw .malformed("A line of the watch is no event.")
        }
        if type == "ERROR" { throw KubernetesError(errorEvent: content) }
        let object = KubernetesObject(json: content, isCut: line.isCut)
        guard let version = object.resourceVersion, !version.isEmpty else {
            throw .malformed("An event of the watch has no resourceVersion.")
        }
        if type == "BOOKMARK" {
            self = .bookmark(
                resourceVersion: version,
                endsInitialEvents: object.annotations["k8s.io/initial-events-end"] == "true")
            return
        }
        guard object.kind == kind, !object.name.isEmpty else {
            throw .malformed("An event of the watch holds no \(kind) with a name.")
        }
        switch type {
        case "ADDED": self = .added(object)
        case "MODIFIED": self = .modified(object)
        case "DELETED": self = .deleted(object)
        default: throw .malformed("The watch has an event of the unknown type '\(String(type.prefix(32)).printable)'.")
        }
    }
}
