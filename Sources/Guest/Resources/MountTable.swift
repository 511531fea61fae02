/// What the kernel says about mounted file systems (`/proc/self/mountinfo`).
struct MountTable {
    private let lines: [Substring]

    /// The table of this process.
    ///
    /// - Throws: `GuestError` when the kernel does not show it.
    static func current() throws(GuestError) -> MountTable {
        let bytes = try SmallFile.read("/proc/self/mountinfo", limit: 1_048_576, as: "mount table")
        return MountTable(bytes.withUnsafeBytes { String(decoding: $0, as: UTF8.self) })
    }

    init(_ text: String) {
        lines = text.split(separator: "\n")
    }

    /// The type, such as `tmpfs`, of the file system with this device number; nil when it is not mounted here.
    func type(ofDevice device: UInt64) -> String? {
        // glibc's makedev(3) layout, taken apart.
        let major = (device >> 8 & 0xFFF) | (device >> 32 & ~0xFFF)
        let minor = (device & 0xFF) | (device >> 12 & ~0xFF)
        let wanted = "\(major):\(minor & 0xFFFF_FFFF)"
        for line in lines {
            let fields = line.split(separator: " ")
            guard fields.count > 6, fields[2] == wanted, let dash = fields.firstIndex(of: "-"),
                fields.indices.contains(dash + 1)
            else { continue }
            return String(fields[dash + 1])
        }
        return nil
    }
}
