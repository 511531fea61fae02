/// Something that happened to a watched collection.
public enum WatchEvent: Sendable, Hashable {
    /// The object is there, newly or among the initial ones.
    case added(KubernetesObject)
    /// The object changed.
    case modified(KubernetesObject)
    /// The object is gone, or no longer selected; this was its last state.
    case deleted(KubernetesObject)
    /// All up to this version was told.
    ///
    /// - `endsInitialEvents`: whether the watch has now told everything that existed when it began (WatchList).
    case bookmark(resourceVersion: String, endsInitialEvents: Bool)

    /// The version that the watch has reached with this event.
    public var resourceVersion: String {
        switch self {
        case .added(let object), .modified(let object), .deleted(let object): object.resourceVersion ?? ""
        case .bookmark(let version, _): version
        }
    }
}
