import Encodings

/// Which events are to be sent: the same thing over and over becomes one event with a count, and an object that has too much
/// to tell is cut short.
struct EventLedger: Sendable {
    /// An event that stands for one thing, however often it happened.
    struct Series: Sendable {
        let name: String
        let began: String
        var count = 1
        /// How often it had happened when that was last sent; 0 before the event exists.
        var sentCount = 0
        var last: ContinuousClock.Instant
        var lastTime: String

        /// The member `series` of the event; nil for what happened once.
        var json: JSONObject? {
            guard count > 1 else { return nil }
            return ["count": .int(Int64(min(count, Int(Int32.max)))), "lastObservedTime": .string(lastTime)]
        }
    }

    /// What to tell the server.
    enum Message: Sendable {
        case create(EventNote, Series)
        case count(EventNote, Series)
    }

    /// After this time without a repetition a series is over, and the next occurrence a new event.
    static let seriesEnd: Duration = .seconds(360)
    /// Events that are remembered, and objects whose pace is.
    static let capacity = 4_096
    /// Different events of one object that may come at once, and the interval at which more may come.
    private static let burst = 25
    private static let interval: Duration = .seconds(60)
    /// A full ledger is not searched for what is over more often than this.
    private static let sweepInterval: Duration = .seconds(10)

    private var series: [EventNote: Series] = [:]
    private var unsent: [EventNote] = []
    private var paces: [EventNote.Subject: TokenBucket] = [:]
    private var sweptAt: ContinuousClock.Instant?

    /// Whether anything is remembered.
    var isEmpty: Bool { series.isEmpty }

    /// Takes note of something that happened; answers false when it is dropped.
    mutating func note(
        _ note: EventNote, at now: ContinuousClock.Instant, time: String, suffix: UInt64
    ) -> Bool {
        if var known = series[note], now - known.last < Self.seriesEnd {
            known.count += 1
            known.last = now
            known.lastTime = time
            series[note] = known
            return true
        }
        guard series[note] == nil || series[note]?.sentCount ?? 0 > 0 else { return false }
        makeRoom(at: now)
        guard series.count < Self.capacity, paceAllows(note.subject, at: now) else { return false }
        series[note] = Series(name: note.eventName(suffix: suffix), began: time, last: now, lastTime: time)
        unsent.append(note)
        return true
    }

    /// The next event to be created. It stays the next one until ``sent(_:_:)`` or ``drop(_:)``.
    mutating func nextUnsent(at now: ContinuousClock.Instant) -> Message? {
        while let first = unsent.first {
            if let series = series[first], now - series.last < Self.seriesEnd { return .create(first, series) }
            // Nobody wants to hear now of what happened while the server was away.
            drop(first)
        }
        return nil
    }

    /// The events that have happened more often than the server knows. Those that are over are forgotten.
    mutating func outdated(at now: ContinuousClock.Instant) -> [Message] {
        let changed = series.filter { $0.value.sentCount > 0 && $0.value.count > $0.value.sentCount }
        for (note, series) in series
        where series.sentCount == series.count && now - series.last >= Self.seriesEnd { self.series[note] = nil }
        return changed.map { .count($0.key, $0.value) }
    }

    /// The server knows of so many.
    mutating func sent(_ note: EventNote, _ count: Int) {
        series[note]?.sentCount = count
        if unsent.first == note { unsent.removeFirst() }
    }

    /// The server does not want the event, or has forgotten it.
    mutating func drop(_ note: EventNote) {
        series[note] = nil
        if unsent.first == note { unsent.removeFirst() }
    }

    private mutating func makeRoom(at now: ContinuousClock.Instant) {
        guard max(series.count, paces.count) >= Self.capacity else { return }
        if let sweptAt, now - sweptAt < Self.sweepInterval { return }
        sweptAt = now
        for (note, known) in series where known.sentCount > 0 && now - known.last >= Self.seriesEnd {
            series[note] = nil
        }
        paces = paces.filter { ($0.value.fullAt ?? now) > now }
    }

    private mutating func paceAllows(_ subject: EventNote.Subject, at now: ContinuousClock.Instant) -> Bool {
        guard paces[subject] != nil || paces.count < Self.capacity else { return false }
        return paces[subject, default: TokenBucket(burst: Self.burst, interval: Self.interval)].take(at: now)
    }
}
