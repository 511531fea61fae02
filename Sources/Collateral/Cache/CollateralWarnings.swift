import FoundationEssentials
import Synchronization

/// Remembers what was warned of, so that a warning comes every few hours and not every minute.
final class CollateralWarnings: Sendable {
    private static let interval: Double = 6 * 3_600
    private static let capacity = 10_000
    private let last = Mutex<[String: Date]>([:])

    func isNew(_ subject: String, at now: Date) -> Bool {
        last.withLock { last in
            // A clock that was set back must not silence anything.
            if let before = last[subject], (0..<Self.interval).contains(now.timeIntervalSince(before)) { return false }
            if last.count >= Self.capacity { last.removeAll() }
            last[subject] = now
            return true
        }
    }
}
