import Synchronization

/// A token bucket for each source address, in bounded memory.
///
/// When more sources are seen than fit, those whose buckets are full again are forgotten; if none are, newcomers share
/// one bucket, so that a flood from many addresses slows newcomers down and nobody else.
final class SourceRateLimiter: Sendable {
    private struct Bucket {
        var tokens: Double
        var filledAt: ContinuousClock.Instant
    }

    private struct State {
        var buckets: [String: Bucket] = [:]
        var shared: Bucket
        /// When full buckets were last looked for, which takes time in proportion to their number.
        var sweptAt: ContinuousClock.Instant?
    }

    private let rate: Double
    private let burst: Double
    private let capacity: Int
    private let state: Mutex<State>

    /// - Parameters:
    ///   - rate: Requests per second that one source gets in the long run.
    ///   - burst: Requests that one source may make at once.
    ///   - capacity: The most sources that are remembered.
    init(rate: Int, burst: Int, capacity: Int = 16_384) {
        self.rate = Double(rate)
        self.burst = Double(burst)
        self.capacity = capacity
        state = Mutex(State(shared: Bucket(tokens: Double(burst), filledAt: .now)))
    }

    /// Whether a request of this source may pass now.
    func admits(_ source: String, at now: ContinuousClock.Instant = .now) -> Bool {
        state.withLock { state in
            if var bucket = state.buckets[source] {
                defer { state.buckets[source] = bucket }
                return take(from: &bucket, at: now)
            }
            if state.buckets.count >= capacity, state.sweptAt.map({ $0.duration(to: now) >= .seconds(1) }) ?? true {
                state.buckets = state.buckets.filter { !isFull($0.value, at: now) }
                state.sweptAt = now
            }
            guard state.buckets.count < capacity else { return take(from: &state.shared, at: now) }
            var bucket = Bucket(tokens: burst, filledAt: now)
            defer { state.buckets[source] = bucket }
            return take(from: &bucket, at: now)
        }
    }

    /// How many sources are remembered.
    var sourceCount: Int { state.withLock { $0.buckets.count } }

    private func level(_ bucket: Bucket, at now: ContinuousClock.Instant) -> Double {
        let elapsed = bucket.filledAt.duration(to: now).components
        let seconds = Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
        return min(burst, bucket.tokens + max(0, seconds) * rate)
    }

    private func isFull(_ bucket: Bucket, at now: ContinuousClock.Instant) -> Bool {
        level(bucket, at: now) >= burst
    }

    private func take(from bucket: inout Bucket, at now: ContinuousClock.Instant) -> Bool {
        bucket = Bucket(tokens: level(bucket, at: now), filledAt: now)
        guard bucket.tokens >= 1 else { return false }
        bucket.tokens -= 1
        return true
    }
}
