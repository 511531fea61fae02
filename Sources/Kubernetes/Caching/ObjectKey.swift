/// Which object of a resource: its namespace and name.
public struct ObjectKey: Sendable, Hashable {
    /// The namespace; nil for what lies in none.
    public let namespace: String?
    /// The name.
    public let name: String

    /// A key.
    public init(namespace: String?, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// The key of an object.
    public init(_ object: KubernetesObject) {
        self.init(namespace: object.namespace, name: object.name)
    }
}

extension ObjectKey: CustomStringConvertible {
    /// `namespace/name`, or the name alone.
    public var description: String { namespace.map { "\($0)/\(name)" } ?? name }
}
