/// What happened to one object of a cache.
public enum ObjectChange: Sendable, Hashable {
    /// The object is there.
    case added(KubernetesObject)
    /// The object is another version of what it was.
    case updated(old: KubernetesObject, new: KubernetesObject)
    /// The object is gone; this is its last known state.
    ///
    /// - `isFinal`: whether the server told of the deletion with this last state. When it did not, the object was found
    ///   missing after a gap in the watch, and may have changed before it went.
    case deleted(KubernetesObject, isFinal: Bool)

    /// The object as it is now, or was last.
    public var object: KubernetesObject {
        switch self {
        case .added(let object), .updated(_, let object), .deleted(let object, _): object
        }
    }

    /// Which object.
    public var key: ObjectKey { ObjectKey(object) }
}
