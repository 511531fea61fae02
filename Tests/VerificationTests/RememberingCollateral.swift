import Foundation
import RATS
import Synchronization

/// Collateral from a source that remembers how far each name has come, and takes its time.
struct RememberingCollateral: CollateralSource {
    let items: FixedCollateral
    var highest: (@Sendable (CollateralName) -> UInt64?)?
    /// Called before an item is handed out.
    var asked: (@Sendable (CollateralName) -> Void)?

    func item(_ name: CollateralName) async throws(CollateralError) -> CollateralItem {
        asked?(name)
        return try await items.item(name)
    }

    func highestSequence(of name: CollateralName) -> UInt64? { highest?(name) }
}

/// A clock that a test turns.
final class TurnedClock: Sendable {
    private let date: Mutex<Date>

    init(_ date: Date) { self.date = Mutex(date) }

    var wall: WallClock { WallClock { self.date.withLock { $0 } } }
    func set(_ date: Date) { self.date.withLock { $0 = date } }
}
