import Encodings
import Verification

/// The table in which a host hands certificates to its guests.
package struct SimulatedCertificateTable: Sendable {
    /// The table as guests get it.
    package let bytes: [UInt8]

    /// A table of these entries, which may be any, with so many zero bytes at its end.
    package init(_ entries: [(SNPCertificateTable.Kind, [UInt8])], padding: Int = 0) {
        var list: [UInt8] = []
        var contents: [UInt8] = []
        let start = 24 * (entries.count + 1)
        for (kind, content) in entries {
            let digits = (try? Hex.decode(kind.rawValue.filter { $0 != "-" })) ?? []
            // The first three groups of a GUID are numbers.
            list += digits[0..<4].reversed() + digits[4..<6].reversed() + digits[6..<8].reversed() + digits[8...]
            list += littleEndian(UInt32(start + contents.count)) + littleEndian(UInt32(content.count))
            contents += content
        }
        bytes = list + [UInt8](repeating: 0, count: 24) + contents + [UInt8](repeating: 0, count: padding)
    }
}
