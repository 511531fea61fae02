import FoundationEssentials
import Logging
import RATS
import Storage

/// What happens when there is no more room for what is issued once and for all.
extension CollateralCache {
    /// What the sources of items begin with that operators brought in. They are never given up for others: where they came
    /// from, the broker cannot ask.
    static let importedSource = "import "

    func noteEviction(_ count: Int, for name: CollateralName) {
        metrics.evicted(kind: name.kind, count: count)
        logger.notice(
            "collateral given up for newer one",
            metadata: ["items": "\(count)", "name": "\(name)", "maximumItems": "\(settings.maximumItems)"])
    }

    func noteFull(_ name: CollateralName, at now: Date) {
        metrics.refused(code: "collateral_full")
        guard warnings.isNew("collateral_full \(name.kind)", at: now) else { return }
        logger.warning(
            "collateral kept in memory only: the database has no more room for it",
            metadata: ["name": "\(name)", "maximumItems": "\(settings.maximumItems)"])
    }
}

extension CollateralError {
    static func full(_ name: CollateralName) -> CollateralError {
        CollateralError(
            code: "collateral_full",
            message: "There is no room for \(name): raise collateral.maximumItems, or delete rows that nobody needs.")
    }

    static func rollback(_ name: CollateralName) -> CollateralError {
        CollateralError(
            code: "collateral_rollback", message: "\(name): an older issue than one that was seen before is refused.")
    }
}
