import Foundation
import RATS
import Synchronization

/// A clock that tests set forward.
package final class TestClock: Sendable {
    private let time: Mutex<Date>

    package init(_ start: Date = Date(timeIntervalSince1970: 1_800_000_000)) {
        time = Mutex(start)
    }

    package var clock: WallClock { WallClock { self.time.withLock { $0 } } }

    package func advance(by seconds: Double) { time.withLock { $0 += seconds } }
}
