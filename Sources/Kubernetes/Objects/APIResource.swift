import Encodings

/// A resource of the Kubernetes API: what a URL names, and the kind of the objects behind it.
public struct APIResource: Sendable, Hashable {
    /// The API group, such as `claviger.dev`; empty for the core group.
    public let group: String
    /// The version of the group, such as `v1`.
    public let version: String
    /// The name in URLs: plural, lower case.
    public let plural: String
    /// The kind of one object.
    public let kind: String
    /// Whether objects live in a namespace.
    public let isNamespaced: Bool

    /// Describes a resource.
    public init(group: String, version: String, plural: String, kind: String, isNamespaced: Bool = true) {
        self.group = group
        self.version = version
        self.plural = plural
        self.kind = kind
        self.isNamespaced = isNamespaced
    }

    /// Group and version as objects carry them: `v1`, `coordination.k8s.io/v1`.
    public var apiVersion: String { group.isEmpty ? version : "\(group)/\(version)" }

    /// The path of the resource's objects, of one of them, or of its subresource, percent-encoded.
    ///
    /// - Parameters:
    ///   - namespace: the namespace, or nil for all of them; ignored for what is not namespaced.
    ///   - name: the object's name, or nil for the collection.
    ///   - subresource: such as `status`; counts only with a name.
    public func path(namespace: String?, name: String? = nil, subresource: String? = nil) -> String {
        var segments = group.isEmpty ? ["api", version] : ["apis", group, version]
        if isNamespaced, let namespace { segments += ["namespaces", namespace] }
        segments.append(plural)
        if let name { segments += [name] + (subresource.map { [$0] } ?? []) }
        return segments.map { "/" + PercentEncoding.encode($0) }.joined()
    }
}

extension APIResource {
    /// Leases, which elect leaders.
    public static let leases = APIResource(
        group: "coordination.k8s.io", version: "v1", plural: "leases", kind: "Lease")
    /// Events of the group `events.k8s.io`.
    public static let events = APIResource(group: "events.k8s.io", version: "v1", plural: "events", kind: "Event")
    /// Secrets.
    public static let secrets = APIResource(group: "", version: "v1", plural: "secrets", kind: "Secret")
    /// Pods.
    public static let pods = APIResource(group: "", version: "v1", plural: "pods", kind: "Pod")
    /// Namespaces.
    public static let namespaces = APIResource(
        group: "", version: "v1", plural: "namespaces", kind: "Namespace", isNamespaced: false)
}
