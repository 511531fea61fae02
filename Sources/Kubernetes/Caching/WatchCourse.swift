/// Decides how a reflector goes on after a list or a watch has ended: from where, how, and after which wait.
///
/// Pure book-keeping: it is told what happened, and neither asks the server nor waits itself.
struct WatchCourse: Sendable {
    /// What ended.
    enum Stage: Sendable, Hashable {
        /// A list.
        case list
        /// A watch that had not told yet all that existed (WatchList).
        case initialEvents
        /// A watch.
        case watch
    }

    /// How long a watch has to be well for former failures to be forgotten.
    private static let healthyTime: Duration = .seconds(60)
    /// How long a server may be behind the version that is known. One that was restored from a copy stays behind.
    private static let patienceWithOlderServer: Duration = .seconds(60)
    /// The longest wait that a server may ask for.
    private static let longestRetryAfter: Duration = .seconds(300)
    /// A watch that ends sooner than this without an event was not really one.
    private static let shortestWatch: Duration = .seconds(1)

    /// A refused WatchList is asked for again at the first reading of the collection after this time: the server may have
    /// been updated.
    private static let memoryOfRefusal: Duration = .seconds(3_600)
    /// Watches in a row that were silent to their end before that counts as a failure. An API server with nothing to tell may
    /// send no bookmark to a watch that began at the newest version before its etcd reports progress: every ten minutes, which
    /// five silent watches outlast.
    private static let toleratedSilence = 4

    /// From where to watch; nil when the whole collection has to be read.
    private(set) var resourceVersion: String?
    /// Failures in a row.
    private(set) var failures = 0

    private let settings: CacheSettings
    private var healthySince: ContinuousClock.Instant?
    private var aheadSince: ContinuousClock.Instant?
    private var expirations = 0
    private var unfinishedStarts = 0
    private var emptyWatches = 0
    private var silentWatches = 0
    private var watchListRefusedAt: ContinuousClock.Instant?

    init(_ settings: CacheSettings) {
        self.settings = settings
    }

    /// Whether watches are accepted, but deliver nothing: something on the way may keep what they send.
    var isUnheard: Bool { silentWatches > Self.toleratedSilence }

    /// Whether to try to get the whole collection by a watch.
    func usesWatchList(at now: ContinuousClock.Instant) -> Bool {
        guard settings.usesWatchList else { return false }
        return watchListRefusedAt.map { now - $0 >= Self.memoryOfRefusal } ?? true
    }

    /// A watch has delivered something.
    mutating func heard() { silentWatches = 0 }

    /// All up to `version` is known.
    mutating func reached(_ version: String) {
        resourceVersion = version
        aheadSince = nil
    }

    /// The whole collection is to be read again.
    mutating func forgetVersion() { resourceVersion = nil }

    /// The server has accepted a watch from a known version, or told all that exists.
    mutating func watchIsWell(at now: ContinuousClock.Instant) {
        healthySince = healthySince ?? now
    }

    /// The server began a watch in place of a list without knowing what that is.
    mutating func watchListIsUnknown(at now: ContinuousClock.Instant) { refuseWatchList(at: now) }

    /// A watch ended in good order; answers how long to wait before the next.
    mutating func ended(
        _ stage: Stage, after duration: Duration, events: Int, at now: ContinuousClock.Instant, chance: Double
    ) -> Duration {
        if stage == .initialEvents {
            startWasUnfinished(at: now)
            return usesWatchList(at: now) ? .zero : settings.backoff.delay(afterFailures: 1, chance: chance)
        }
        guard events == 0, duration < Self.shortestWatch else {
            emptyWatches = 0
            return .zero
        }
        emptyWatches += 1
        return emptyWatches == 1 ? .zero : settings.backoff.delay(afterFailures: emptyWatches - 1, chance: chance)
    }

    /// A list or a watch failed; answers how long to wait before the next.
    mutating func failed(
        _ stage: Stage, _ error: KubernetesError, at now: ContinuousClock.Instant, chance: Double
    ) -> Duration {
        if let since = healthySince, now - since >= Self.healthyTime {
            failures = 0
            expirations = 0
        }
        if stage == .initialEvents {
            if error.isRefusalOfWatchList {
                refuseWatchList(at: now)
                return .zero
            }
            if error.mayRefuseWatchList { startWasUnfinished(at: now) }
        }
        if error.kind == .watchIdle {
            silentWatches += stage == .watch ? 1 : 0
            guard isUnheard else { return .zero }
            // A list gets through what holds streams up.
            resourceVersion = nil
        }
        healthySince = nil
        failures += 1
        switch error.kind {
        case .gone:
            resourceVersion = nil
            expirations += 1
            return expirations == 1 ? .zero : settings.backoff.delay(afterFailures: expirations - 1, chance: chance)
        case .resourceVersionTooLarge:
            return waitForOlderServer(error, at: now, chance: chance)
        case .forbidden, .notFound:
            resourceVersion = nil
            return settings.slowBackoff.delay(afterFailures: failures, chance: chance)
        case .throttled, .serverError, .serverTimeout, .transport, .unauthorized, .watchIdle, .cancelled:
            let asked = min(error.retryAfter ?? .zero, Self.longestRetryAfter)
            return max(asked + asked * (chance / 5), settings.backoff.delay(afterFailures: failures, chance: chance))
        case .malformed, .tooLarge, .invalid, .conflict, .alreadyExists, .configuration:
            // What was sent is lost, or will be the same next time: only reading everything leads on.
            resourceVersion = nil
            return settings.backoff.delay(afterFailures: failures, chance: chance)
        }
    }

    /// Once may be the network; twice is a server that does not do it.
    private mutating func startWasUnfinished(at now: ContinuousClock.Instant) {
        unfinishedStarts += 1
        if unfinishedStarts >= 2 { refuseWatchList(at: now) }
    }

    private mutating func refuseWatchList(at now: ContinuousClock.Instant) {
        watchListRefusedAt = now
        unfinishedStarts = 0
    }

    private mutating func waitForOlderServer(
        _ error: KubernetesError, at now: ContinuousClock.Instant, chance: Double
    ) -> Duration {
        let since = aheadSince ?? now
        aheadSince = since
        if now - since >= Self.patienceWithOlderServer {
            resourceVersion = nil
            aheadSince = nil
        }
        let asked = min(error.retryAfter ?? .seconds(1), Self.longestRetryAfter)
        return asked + asked * chance
    }
}

extension KubernetesError {
    /// A server without the feature says so (422, 400), or fails because its storage cannot do it (500).
    fileprivate var isRefusalOfWatchList: Bool {
        if kind == .invalid { return statusCode == 422 || statusCode == 400 }
        return statusCode == 500 && (message.contains("RequestWatchProgress") || message.contains("sendInitialEvents"))
    }

    /// Whether a server that cannot do it might fail like that, as others do in passing.
    fileprivate var mayRefuseWatchList: Bool {
        switch kind {
        case .invalid, .malformed, .watchIdle: true
        case .serverError: statusCode == 500
        default: false
        }
    }
}
