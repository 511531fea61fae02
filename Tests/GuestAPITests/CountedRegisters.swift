import Foundation
import Guest
import KBSProtocol
import Synchronization

/// Registers with the numbers of a TPM, which remember what was extended.
final class CountedRegisters: MeasurementRegisters {
    let algorithm = HashAlgorithm.sha256
    private let indices = Mutex<[UInt32]>([])

    /// The registers that were extended, in order.
    var extended: [UInt32] { indices.withLock { $0 } }

    func logIndex(ofPCR register: UInt64) throws(GuestError) -> UInt32 { UInt32(register) }
    func value(at logIndex: UInt32) throws(GuestError) -> [UInt8] { [UInt8](repeating: 0, count: 32) }
    func extend(at logIndex: UInt32, with digest: [UInt8]) throws(GuestError) {
        indices.withLock { $0.append(logIndex) }
    }
}

/// A folder for an event log that goes with this value.
final class EventLogFolder: Sendable {
    let path = FileManager.default.temporaryDirectory.appending(path: "log-\(UUID().uuidString.prefix(8))").path
    var file: String { path + "/eventlog" }

    /// Writes a file beside it, whose path is returned.
    func write(_ text: String, _ name: String) throws -> String {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(filePath: path + "/" + name))
        return path + "/" + name
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}
