import Encodings
import Glibc

/// How a file system is mounted: the kernel's flags, by the names that mount(8) gives them.
struct MountFlags: Sendable, Hashable {
    private static let known: [String: Int] = [
        "defaults": 0, "rw": 0, "relatime": 1 << 21, "ro": 1, "nosuid": 2, "nodev": 4, "noexec": 8, "sync": 16,
        "dirsync": 128, "noatime": 1024, "nodiratime": 2048,
    ]

    private(set) var value: UInt

    /// Reads names; one text may hold several, separated by commas.
    ///
    /// - Throws: `GuestError` with `invalid_request` for other names.
    init(_ names: [String]) throws(GuestError) {
        var value = 0
        for name in names.flatMap({ $0.split(separator: ",").map(String.init) }) {
            guard let bit = Self.known[name] else {
                throw GuestError(.invalidRequest, "The mount flag \(name.prefix(40).printable) is not known.")
            }
            value |= bit
        }
        self.value = UInt(value)
    }

    /// Whether nothing is to be written, which then also holds for the device beneath.
    var isReadOnly: Bool { value & 1 != 0 }

    /// Reading must not write: each time stamp would be a write that is encrypted and authenticated.
    mutating func addNoAccessTimes() { value |= 1024 }
}
