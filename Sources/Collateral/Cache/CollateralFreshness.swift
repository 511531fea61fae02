import FoundationEssentials
import RATS
import Storage

/// How an item stands in time.
public enum CollateralState: String, Sendable, Hashable, CaseIterable {
    /// It is issued once and for all.
    case permanent
    /// Its successor is not due yet.
    case current
    /// It will have to be renewed soon, and was not so far.
    case expiring
    /// Its successor is due.
    case expired
    /// Somebody else than a broker wrote it; it is not used.
    case unauthentic
}

extension CollateralSettings {
    /// Whether an item is handed out without asking for a newer one first.
    func isUsable(nextUpdate: Date?, at now: Date) -> Bool {
        nextUpdate.map { now < $0.addingTimeInterval(grace.inSeconds) } ?? true
    }

    /// When an item is to be renewed: at half of the life that it had left when it was had, at latest after
    /// ``refreshAfter``, and not more often than every ten minutes; nil when it never is.
    ///
    /// What was had later than now was had by a broker whose clock is ahead, and is to be renewed at once: nobody can say
    /// for how long it would look new.
    ///
    /// - Parameter earlier: By how much earlier, as a part of the time until then, so that not all replicas ask at once.
    func renewal(fetchedAt: Date, nextUpdate: Date?, at now: Date, earlier: Double = 0) -> Date? {
        guard let nextUpdate else { return nil }
        guard fetchedAt.timeIntervalSince(now) <= Self.clockTolerance else { return now }
        let half = nextUpdate.timeIntervalSince(fetchedAt) / 2
        let wait = max(Self.shortestRenewal, min(half, refreshAfter.inSeconds) * (1 - earlier))
        return fetchedAt.addingTimeInterval(wait)
    }

    /// How an item stands.
    func state(nextUpdate: Date?, at now: Date) -> CollateralState {
        guard let nextUpdate else { return .permanent }
        if now >= nextUpdate { return .expired }
        return nextUpdate.timeIntervalSince(now) < warnBefore.inSeconds ? .expiring : .current
    }
}
