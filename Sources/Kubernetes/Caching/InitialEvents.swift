/// What a watch tells in place of a list (WatchList), up to the bookmark that ends it.
struct InitialEvents {
    private let transform: @Sendable (KubernetesObject) -> KubernetesObject
    /// The objects told so far, as they are to be kept.
    private(set) var objects: BoundedObjects
    /// The version of the collection, once it is complete.
    private(set) var version: String?

    init(bounds: CacheBounds, transform: @escaping @Sendable (KubernetesObject) -> KubernetesObject) {
        objects = BoundedObjects(bounds)
        self.transform = transform
    }

    /// Takes an event; answers false when the server sends a common watch, because it knows no other.
    mutating func take(_ event: WatchEvent) throws(KubernetesError) -> Bool {
        switch event {
        case .added(let object), .modified(let object):
            _ = objects.put(transform(try object.named()))
        case .deleted(let object):
            objects.remove(ObjectKey(object))
        case .bookmark(let reached, let endsInitialEvents):
            guard endsInitialEvents else { return false }
            guard !reached.isEmpty else { throw .unusable("a bookmark without a resourceVersion") }
            version = reached
        }
        return true
    }
}
