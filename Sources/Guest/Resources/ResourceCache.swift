public import Encodings
import FoundationEssentials
public import KBSProtocol
public import RATS

/// Resources kept for a short time, so that repeated readers cause neither repeated releases nor, when refused,
/// repeated requests.
public actor ResourceCache: ResourceSource {
    private typealias Outcome = Result<SecretBytes, GuestError>

    private struct Entry {
        let outcome: Outcome
        let window: TimeWindow
    }

    private let source: any ResourceSource
    private let timeToLive: TimeInterval
    private let negativeTimeToLive: TimeInterval
    private let capacity: Int
    private let clock: WallClock
    private let metrics: GuestMetrics

    private var entries: [ResourceURI: Entry] = [:]
    private var flights: [ResourceURI: Task<Outcome, Never>] = [:]

    /// A cache before `source`.
    ///
    /// - Parameters:
    ///   - timeToLive: how long a resource is kept, in seconds; 0 keeps none.
    ///   - negativeTimeToLive: how long a refusal is remembered, in seconds.
    ///   - capacity: how many outcomes are kept.
    public init(
        _ source: any ResourceSource, timeToLive: Double = 10, negativeTimeToLive: Double = 2, capacity: Int = 1024,
        clock: WallClock = .system, metrics: GuestMetrics = GuestMetrics()
    ) {
        self.source = source
        self.timeToLive = timeToLive
        self.negativeTimeToLive = negativeTimeToLive
        self.capacity = capacity
        self.clock = clock
        self.metrics = metrics
    }

    /// The kept resource, or a fetched one. Concurrent callers share one request.
    public func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        if let known = known(uri) {
            metrics.answeredFromCache()
            return try known.get()
        }
        return try await fetch(uri)
    }

    /// The resource by a new decision of the broker. Refusals of the last moments are still believed.
    public func freshResource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        if case .failure(let error) = known(uri) {
            metrics.answeredFromCache()
            throw error
        }
        return try await fetch(uri)
    }

    /// Forgets everything.
    public func clear() {
        entries = [:]
    }

    private func known(_ uri: ResourceURI) -> Outcome? {
        guard let entry = entries[uri], entry.window.contains(clock.now()) else { return nil }
        return entry.outcome
    }

    private func fetch(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        metrics.askedTheBroker()
        if let flight = flights[uri] { return try await flight.value.get() }
        let task = Task { [source] in
            let outcome: Outcome
            do throws(GuestError) {
                outcome = .success(try await source.resource(uri))
            } catch {
                outcome = .failure(error)
            }
            self.land(outcome, uri)
            return outcome
        }
        flights[uri] = task
        return try await task.value.get()
    }

    private func land(_ outcome: Outcome, _ uri: ResourceURI) {
        flights[uri] = nil
        let now = clock.now()
        let life: TimeInterval
        switch outcome {
        case .success:
            life = timeToLive
        case .failure(let error):
            life = error.retryAfter.map(Double.init) ?? negativeTimeToLive
            metrics.failed(error, at: now)
        }
        entries[uri] = life > 0 ? Entry(outcome: outcome, window: TimeWindow(from: now, lasting: life)) : nil
        // Secrets whose time is over are not kept until somebody needs the room.
        entries = entries.filter { $0.value.window.contains(now) }
        while entries.count > capacity,
            let oldest = entries.min(by: { TimeWindow.endsEarlier($0.value.window, $1.value.window) })
        {
            entries[oldest.key] = nil
        }
    }

    /// How many outcomes are held.
    var count: Int { entries.count }
}
