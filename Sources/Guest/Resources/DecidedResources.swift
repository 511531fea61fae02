public import Encodings
public import KBSProtocol

/// The resources of a cache, each by a decision of the broker made for this use; refusals are shared for a moment.
public struct DecidedResources: ResourceSource {
    private let cache: ResourceCache

    /// The resources behind `cache`.
    public init(_ cache: ResourceCache) {
        self.cache = cache
    }

    /// See ``ResourceCache/freshResource(_:)``.
    public func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        try await cache.freshResource(uri)
    }
}
