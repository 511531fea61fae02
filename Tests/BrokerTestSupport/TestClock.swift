import Foundation
import RATS
import Synchronization

/// A clock that a test can turn.
public final class TestClock: Sendable {
    private let offset = Mutex<TimeInterval>(0)

    /// A clock that shows the machine's time until it is turned.
    public init() {}

    /// Moves the clock.
    public func advance(by seconds: TimeInterval) { offset.withLock { $0 += seconds } }

    /// The time that the clock shows.
    public var now: Date { Date().addingTimeInterval(offset.withLock { $0 }) }

    /// The clock as the broker takes it.
    public var wallClock: WallClock { WallClock { self.now } }
}
