public import FoundationEssentials

/// The time of day, handed to whatever must know it, so that tests and verifications can choose it.
public struct WallClock: Sendable {
    /// The present time.
    public let now: @Sendable () -> Date

    /// A clock that asks `now` each time.
    public init(now: @escaping @Sendable () -> Date) {
        self.now = now
    }

    /// The machine's clock.
    public static let system = WallClock { Date() }

    /// A clock that stands still at `date`.
    public static func fixed(_ date: Date) -> WallClock {
        WallClock { date }
    }
}
