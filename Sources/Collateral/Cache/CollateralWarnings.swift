import FoundationEssentials
import RATS
import Synchronization

/// Remembers what was warned of, so that a warning comes every few hours and not every minute.
final class CollateralWarnings: Sendable {
    private static let interval: Double = 6 * 3_600
    private static let capacity = 10_000
    private let last = Mutex<[CollateralName: Date]>([:])

    func isNew(_ name: CollateralName, at now: Date) -> Bool {
        last.withLock { last in
            if let before = last[name], now.timeIntervalSince(before) < Self.interval { return false }
            if last.count >= Self.capacity { last.removeAll() }
            last[name] = now
            return true
        }
    }
}
