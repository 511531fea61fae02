import FoundationEssentials
import Logging
import RATS
import Storage

/// The marks of how far every name has come: in the database for all replicas, and in the memory of each for what it saw.
extension CollateralCache {
    /// Says at the start when the database has nothing that an older issue could be told by.
    func reportMarks() async {
        do throws(StorageError) {
            guard try await !store.hasMarks() else { return }
            logger.notice(
                "no collateral was seen here before: the first issue of each name is believed to be the newest")
        } catch {
            reportMarks(error)
        }
    }

    /// Writes back what this broker saw where the database does not know it any more: somebody deleted the marks together with
    /// the items, or put both back.
    func restoreMarks() async {
        let known = shelf.marks
        guard !known.isEmpty else { return }
        do throws(StorageError) {
            let restored = try await store.restoreMarks(
                Dictionary(uniqueKeysWithValues: known.map { ($0.key.path, $0.value) }))
            guard restored > 0 else { return }
            metrics.refused(code: "collateral_marks_lost")
            logger.error(
                "marks of collateral were gone from the database, and are written back",
                metadata: ["names": "\(restored)"])
        } catch {
            reportMarks(error)
        }
    }

    private func reportMarks(_ error: StorageError) {
        guard error.code == .corrupt || error.code == .keyUnknown,
            warnings.isNew("collateral_marks", at: clock.now())
        else { return }
        // Nothing is lost under a key that this broker was not given yet.
        if error.code == .corrupt { metrics.refused(code: "collateral_marks_lost") }
        logger.error(
            "no collateral that has successors is used or stored: see docs/collateral.md, When the marks are gone",
            metadata: ["reason": "\(error.message)"])
    }
}

extension StorageError {
    /// Why there is no collateral to be had from the database, or none to be put there.
    var reasonWithoutCollateral: String {
        switch code {
        case .corrupt: "the marks in the database were changed."
        case .keyUnknown: "the marks in the database are under a key-encryption key that this broker does not have."
        default: "the database cannot be used now."
        }
    }
}
