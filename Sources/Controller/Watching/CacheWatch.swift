import Kubernetes

/// Looks again and again whether the caches still follow the API server, and says when that has changed.
struct CacheWatch: Sendable {
    static let interval: Duration = .seconds(5)

    let caches: [InformedCache]
    let environment: RuntimeEnvironment
    let metrics: ControllerMetrics
    /// Is told that a cache has begun, or ceased, to have a problem.
    let changed: @Sendable () -> Void

    /// Looks until the task is cancelled.
    func run() async {
        var known: [String: String] = [:]
        while !Task.isCancelled {
            let now = environment.now()
            var present: [String: String] = [:]
            for cache in caches {
                for follower in cache.followers { follower.look(at: now) }
                metrics.behind(cache.resource.kind, by: cache.troubledFor(at: now))
                present[cache.resource.plural] = cache.problem
            }
            if present != known {
                known = present
                changed()
            }
            try? await environment.sleep(Self.interval)
        }
    }
}
