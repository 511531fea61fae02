/// How a cache stands with its API server.
public struct CacheStatus: Sendable, Hashable {
    /// What it is doing.
    public enum Phase: String, Sendable, Hashable {
        /// It has not asked yet.
        case starting
        /// It reads the whole collection.
        case listing
        /// It follows the changes.
        case watching
        /// It waits before it tries again.
        case waiting
    }

    /// What it is doing.
    public internal(set) var phase = Phase.starting
    /// Why it is not up to date; nil while it is, and before the first failure. `forbidden` and `not_found` say that a role or
    /// the resource's definition is missing.
    public internal(set) var problem: KubernetesError?
    /// Since when there has been a problem, by the clock of the cache's environment; nil while there is none.
    public internal(set) var problemSince: ContinuousClock.Instant?
    /// Failures in a row; 0 while it is up to date.
    public internal(set) var failures = 0
    /// How often the whole collection has been read.
    public internal(set) var lists = 0
    /// The version up to which changes are known; nil when the collection has to be read anew.
    public internal(set) var resourceVersion: String?

    /// The cache is up to date.
    mutating func clear() { (problem, problemSince, failures) = (nil, nil, 0) }

    /// The cache is not up to date.
    mutating func fail(_ error: KubernetesError, at now: ContinuousClock.Instant) {
        (problem, problemSince) = (error, problemSince ?? now)
    }
}
