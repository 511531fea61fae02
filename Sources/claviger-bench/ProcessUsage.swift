import FoundationEssentials

#if canImport(Glibc)
    import Glibc
#endif

/// Processor time and memory of a running process, as `/proc` tells them.
struct ProcessUsage {
    /// User and system time since the start, in seconds.
    let processorSeconds: Double
    /// Resident memory in bytes.
    let residentBytes: Int

    /// Reads the usage of a process; nil when it is gone.
    init?(of process: Int32) {
        guard let stat = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8),
            let close = stat.lastIndex(of: ")")
        else { return nil }
        // After the name in parentheses: field 3 is first, so utime (14) and stime (15) are at 11 and 12, rss (24) at 21.
        let fields = stat[stat.index(after: close)...].split(separator: " ")
        guard fields.count > 21, let user = Double(fields[11]), let system = Double(fields[12]),
            let pages = Int(fields[21])
        else { return nil }
        processorSeconds = (user + system) / Double(sysconf(Int32(_SC_CLK_TCK)))
        residentBytes = pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    }
}
