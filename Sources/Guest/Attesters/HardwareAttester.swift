import Encodings
import RATS

/// An attester that waits for hardware while it collects evidence.
protocol HardwareAttester: Attester {
    /// Evidence over `reportData`; blocks the calling thread.
    func collect(_ reportData: [UInt8]) throws(GuestError) -> JSONValue
}

extension HardwareAttester {
    func evidence(reportData: [UInt8]) async throws(GuestError) -> JSONValue {
        do throws(GuestError) {
            return try await HardwareWork.run { () throws(GuestError) in try collect(reportData) }
        } catch {
            guard error.code == .system else { throw error }
            throw GuestError(
                .evidence, "No \(tee.rawValue) evidence: \(error.message)", systemError: error.systemError)
        }
    }
}

/// The 64 bytes in which most processors keep what evidence is bound to.
enum ReportDataField {
    static let size = 64

    /// The bytes with zeros behind them.
    ///
    /// - Throws: `invalid_request` when there are more than 64: nothing is cut off.
    static func padded(_ reportData: [UInt8]) throws(GuestError) -> [UInt8] {
        guard reportData.count <= size else {
            throw GuestError(
                .invalidRequest, "Evidence can be bound to \(size) bytes at most, not to \(reportData.count).")
        }
        return reportData + [UInt8](repeating: 0, count: size - reportData.count)
    }
}
