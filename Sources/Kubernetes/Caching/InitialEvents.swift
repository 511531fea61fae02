/// What a watch tells in place of a list (WatchList), up to the bookmark that ends it.
struct InitialEvents {
    private let maximumObjects: Int
    private let transform: @Sendable (KubernetesObject) -> KubernetesObject
    /// The objects told so far, as they are to be kept.
    private(set) var objects: [ObjectKey: KubernetesObject] = [:]
    /// The version of the collection, once it is complete.
    private(set) var version: String?

    init(maximumObjects: Int, transform: @escaping @Sendable (KubernetesObject) -> KubernetesObject) {
        self.maximumObjects = maximumObjects
        self.transform = transform
    }

    /// Takes an event; answers false when the server sends a common watch, because it knows no other.
    mutating func take(_ event: WatchEvent) throws(KubernetesError) -> Bool {
        switch event {
        case .added(let object), .modified(let object):
            objects[ObjectKey(try object.named())] = transform(object)
            guard objects.count <= maximumObjects else { throw .unusable("more than \(maximumObjects) objects") }
        case .deleted(let object):
            objects[ObjectKey(object)] = nil
        case .bookmark(let reached, let endsInitialEvents):
            guard endsInitialEvents else { return false }
            guard !reached.isEmpty else { throw .unusable("a bookmark without a resourceVersion") }
            version = reached
        }
        return true
    }
}
