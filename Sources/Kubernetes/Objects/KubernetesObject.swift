public import Encodings

/// An object of the Kubernetes API as JSON, whose members nobody here knows are kept.
public struct KubernetesObject: Sendable, Hashable {
    /// The whole object.
    public var json: JSONObject
    /// Why the object could not be read as a whole, as a sentence; nil for all others. Of such an object there are only
    /// apiVersion, kind, metadata and status: enough to name it and to tell on it that it is of no use.
    public internal(set) var unreadable: String?

    /// An object of that content.
    public init(json: JSONObject) {
        self.json = json
    }

    /// An object of a resource with nothing but its name.
    public init(_ resource: APIResource, namespace: String? = nil, name: String) {
        var metadata: JSONObject = ["name": .string(name)]
        if let namespace { metadata["namespace"] = .string(namespace) }
        json = [
            "apiVersion": .string(resource.apiVersion), "kind": .string(resource.kind), "metadata": .object(metadata),
        ]
    }
}

extension KubernetesObject {
    /// Group and version.
    public var apiVersion: String? { json["apiVersion"]?.stringValue }
    /// The kind.
    public var kind: String? { json["kind"]?.stringValue }

    /// The member `metadata`; empty when there is none.
    public var metadata: JSONObject {
        get { json["metadata"]?.objectValue ?? [:] }
        set { json["metadata"] = .object(newValue) }
    }

    /// The name; empty when there is none.
    public var name: String { metadata["name"]?.stringValue ?? "" }
    /// The namespace; nil for what lies in none.
    public var namespace: String? { metadata["namespace"]?.stringValue }
    /// The identity, which a later object of the same name does not share.
    public var uid: String? { metadata["uid"]?.stringValue }

    /// The opaque version of the stored object. Setting it makes a replacement conditional; it is never compared but for
    /// equality.
    public var resourceVersion: String? {
        get { metadata["resourceVersion"]?.stringValue }
        set { metadata["resourceVersion"] = newValue.map { .string($0) } }
    }

    /// A number that grows with every change of the specification.
    public var generation: Int64? { metadata["generation"]?.intValue }

    /// The labels; those that are no text are left out.
    public var labels: [String: String] {
        get { texts("labels") }
        set { setTexts("labels", newValue) }
    }

    /// The annotations; those that are no text are left out.
    public var annotations: [String: String] {
        get { texts("annotations") }
        set { setTexts("annotations", newValue) }
    }

    /// Who must let go of the object before it is deleted.
    public var finalizers: [String] {
        get { (metadata["finalizers"]?.arrayValue ?? []).compactMap(\.stringValue) }
        set { metadata["finalizers"] = newValue.isEmpty ? nil : .array(newValue.map { .string($0) }) }
    }

    /// When deletion was asked for (RFC 3339), while finalizers hold it up.
    public var deletionTimestamp: String? { metadata["deletionTimestamp"]?.stringValue }

    /// The member `spec`.
    public var spec: JSONObject? {
        get { json["spec"]?.objectValue }
        set { json["spec"] = newValue.map { .object($0) } }
    }

    /// The member `status`.
    public var status: JSONObject? {
        get { json["status"]?.objectValue }
        set { json["status"] = newValue.map { .object($0) } }
    }

    private func texts(_ member: String) -> [String: String] {
        var result: [String: String] = [:]
        for (name, value) in metadata[member]?.objectValue ?? [:] { result[name] = value.stringValue }
        return result
    }

    private mutating func setTexts(_ member: String, _ texts: [String: String]) {
        let members = texts.sorted { $0.key < $1.key }.map { ($0.key, JSONValue.string($0.value)) }
        metadata[member] = members.isEmpty ? nil : .object(JSONObject(members))
    }
}

extension KubernetesObject: CustomStringConvertible {
    /// Kind, namespace and name. Never the content: it may be a Secret's.
    public var description: String { "\(kind ?? "object") \(namespace.map { $0 + "/" } ?? "")\(name)" }
}

extension KubernetesObject: CustomReflectable {
    /// A mirror without children, so that `dump` shows nothing of a Secret.
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }
}
