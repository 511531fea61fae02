/// How much a cache keeps of what others write into a cluster, so that nobody's objects crowd out those of somebody else.
public struct CacheBounds: Sendable, Hashable {
    /// Bytes that one object may take in memory. Of a larger one only what names it is kept, and it is marked as unreadable.
    public var objectBytes: Int
    /// Bytes that all objects of one namespace may take in memory; those that come after are treated as if they were too
    /// large themselves.
    public var namespaceBytes: Int
    /// Objects of one namespace; those that come after are not kept at all.
    public var namespaceObjects: Int

    /// Bounds of 2 MiB for an object, and of 16 MiB and 10,000 objects for a namespace unless told otherwise.
    public init(
        objectBytes: Int = 2 * 1_048_576, namespaceBytes: Int = 16 * 1_048_576, namespaceObjects: Int = 10_000
    ) {
        self.objectBytes = objectBytes
        self.namespaceBytes = namespaceBytes
        self.namespaceObjects = namespaceObjects
    }
}
