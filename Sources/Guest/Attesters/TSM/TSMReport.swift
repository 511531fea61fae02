import Glibc

/// Has reports made through the kernel's interface for all TEEs of its kind (Documentation/ABI/testing/configfs-tsm-report).
///
/// Each request has a folder of its own: what is written into it leads to a report that is read from it.
struct TSMReport: Sendable {
    /// Who makes reports behind the interface.
    enum Provider: String, Sendable {
        case tdx = "tdx_guest"
        case sevSNP = "sev_guest"
        case cca = "arm_cca_guest"
    }

    /// What was made.
    struct Blobs: Sendable, Hashable {
        /// The report or quote.
        let report: [UInt8]
        /// What else the provider has to say: certificates of SEV-SNP hosts; empty for none.
        let auxiliary: [UInt8]
    }

    static let folder = "/sys/kernel/config/tsm/report"
    private static let limit = 1_048_576
    private static let attempts = 4
    let kernel: any Kernel

    /// Whether the interface is mounted here.
    var isMounted: Bool { kernel.exists(Self.folder) }

    /// Whose reports the interface would make.
    ///
    /// - Throws: `system_failed`, telling what a pod lacks.
    func provider() throws(GuestError) -> String {
        try withEntry { (entry) throws(GuestError) in try kernel.text(entry + "/provider", limit: 64) }
    }

    /// A report over `data`.
    ///
    /// - Parameters:
    ///   - data: 64 bytes.
    ///   - privilegeLevel: the VMPL that the report is to name, SEV-SNP only. Where the kernel runs at a higher one,
    ///     its own is used.
    /// - Throws: `system_failed`, or `evidence_failed` when others disturbed all attempts.
    func blobs(
        of provider: Provider, over data: [UInt8], privilegeLevel: UInt32? = nil
    ) throws(GuestError) -> Blobs {
        for _ in 0..<Self.attempts {
            let made = try withEntry { (entry) throws(GuestError) in
                try undisturbed { () throws(GuestError) in
                    try blobs(entry, of: provider, over: data, privilegeLevel: privilegeLevel)
                }
            }
            if let made { return made }
        }
        throw GuestError(
            .evidence,
            "Another process wrote to this agent's entries in \(Self.folder) \(Self.attempts) times in a row. Find out "
                + "which one has the right to, and let only the agent have it.", systemError: EBUSY)
    }

    /// Nil when the entry was written to by somebody else in the meantime.
    private func blobs(
        _ entry: String, of provider: Provider, over data: [UInt8], privilegeLevel: UInt32?
    ) throws(GuestError) -> Blobs? {
        let found = try kernel.text(entry + "/provider", limit: 64)
        guard found == provider.rawValue else {
            throw GuestError(
                .system, "The TSM provider of this machine is “\(found.prefix(64))”, not “\(provider.rawValue)”.",
                systemError: ENXIO)
        }
        let before = try generation(entry)
        if let privilegeLevel {
            let floor = kernel.exists(entry + "/privlevel_floor") ? try number(entry + "/privlevel_floor") : 0
            try kernel.write(Array("\(max(UInt64(privilegeLevel), floor))".utf8), to: entry + "/privlevel")
        }
        // The kernel takes these bytes when the file is closed, and says nothing when it refuses them: only the
        // generation tells.
        try kernel.write(data, to: entry + "/inblob")
        let report = try kernel.read(entry + "/outblob", limit: Self.limit)
        let hasAuxiliary = provider == .sevSNP && kernel.exists(entry + "/auxblob")
        let auxiliary = hasAuxiliary ? try kernel.read(entry + "/auxblob", limit: Self.limit) : []
        let writes: UInt64 = privilegeLevel == nil ? 1 : 2
        guard try generation(entry) == before + writes else { return nil }
        guard !report.isEmpty else { throw GuestError(.system, "The kernel made an empty report.") }
        return Blobs(report: report, auxiliary: auxiliary)
    }

    /// Nil also when the kernel noticed the other process first.
    private func undisturbed(_ work: () throws(GuestError) -> Blobs?) throws(GuestError) -> Blobs? {
        do throws(GuestError) {
            return try work()
        } catch {
            if let number = error.systemError, [EBUSY, EAGAIN, EINTR].contains(number) { return nil }
            throw error
        }
    }

    private func generation(_ entry: String) throws(GuestError) -> UInt64 { try number(entry + "/generation") }

    private func number(_ path: String) throws(GuestError) -> UInt64 {
        let text = try kernel.text(path, limit: 64)
        guard let number = UInt64(text), number < UInt64(Int64.max) else {
            throw GuestError(.system, "\(path) holds “\(text.prefix(64))” where a number is expected.")
        }
        return number
    }

    private func withEntry<Value>(_ work: (String) throws(GuestError) -> Value) throws(GuestError) -> Value {
        let entry = Self.folder + "/claviger-" + String(UInt64.random(in: .min ... .max), radix: 16)
        do throws(GuestError) {
            try kernel.makeDirectory(entry)
        } catch {
            throw Self.explained(error)
        }
        // A folder that cannot be removed is in nobody's way.
        defer { try? kernel.removeDirectory(entry) }
        return try work(entry)
    }

    /// What lacks when no entry can be made.
    private static func explained(_ error: GuestError) -> GuestError {
        let reason: String
        switch error.systemError {
        case ENOENT:
            reason =
                "\(folder) does not exist: configfs is not mounted here, or the kernel has no TSM driver. Mount it "
                + "with “mount -t configfs none /sys/kernel/config”; a pod needs the host's /sys/kernel/config as a "
                + "volume, writable."
        case EROFS:
            reason = "\(folder) is mounted read-only; the agent needs it writable."
        case EACCES, EPERM:
            reason = "The agent may not make entries in \(folder); it needs to run as root there."
        case ENXIO:
            reason =
                "The kernel has no TSM provider: the guest driver (tdx_guest, sev-guest or arm-cca-guest) is not loaded."
        default: return error
        }
        return GuestError(.system, reason, systemError: error.systemError)
    }
}
