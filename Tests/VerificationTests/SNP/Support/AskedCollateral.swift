import RATS
import Synchronization

/// Has no collateral and remembers what it was asked for.
final class AskedCollateral: CollateralSource {
    private let asked = Mutex<[CollateralName]>([])

    /// What was asked for, in order.
    var names: [CollateralName] { asked.withLock { $0 } }

    func item(_ name: CollateralName) async throws(CollateralError) -> CollateralItem {
        asked.withLock { $0.append(name) }
        throw CollateralError(code: "collateral_unavailable", message: "There is none here.")
    }
}
