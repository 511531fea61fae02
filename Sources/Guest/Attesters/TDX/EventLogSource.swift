public import KBSProtocol

/// Where the log of measured events comes from that is sent along with evidence.
public protocol EventLogSource: Sendable {
    /// The log in the form of TCG2 (crypto-agile) records with the end marker; nil when there is none.
    func bytes() throws(GuestError) -> [UInt8]?
}

/// No log.
public struct NoEventLog: EventLogSource {
    /// A source of no log.
    public init() {}

    /// Nil.
    public func bytes() throws(GuestError) -> [UInt8]? { nil }
}

/// The log that the firmware left (the ACPI table CCEL unless told otherwise), and behind it what the agent has measured
/// since.
public struct FirmwareEventLog: EventLogSource {
    /// Where the kernel shows the log of confidential VMs.
    public static let ccel = "/sys/firmware/acpi/tables/data/CCEL"
    /// The largest log that firmware is known to keep.
    private static let limit = 1_048_576
    private static let end = [UInt8](repeating: 0xFF, count: 8)

    let path: String
    let agentEvents: @Sendable () throws(GuestError) -> [UInt8]
    private let kernel: any Kernel
    private let algorithms: [HashAlgorithm]

    /// - Parameters:
    ///   - kernel: shows the firmware's log.
    ///   - path: where the kernel shows it.
    ///   - algorithms: what the agent's records are declared to be digested with where the firmware left no log.
    ///   - agentEvents: the agent's own records (AAEL), in order, without an end marker; empty for none.
    public init(
        kernel: any Kernel, path: String = FirmwareEventLog.ccel,
        declaring algorithms: [HashAlgorithm] = [.sha384, .sm3],
        agentEvents: @escaping @Sendable () throws(GuestError) -> [UInt8] = { [] }
    ) {
        self.kernel = kernel
        self.path = path
        self.algorithms = algorithms
        self.agentEvents = agentEvents
    }

    /// The firmware's records, the agent's, and eight 0xFF; nil when there are none of either.
    public func bytes() throws(GuestError) -> [UInt8]? {
        let events = try agentEvents()
        guard let records = try firmwareRecords() else {
            return events.isEmpty ? nil : EventLogText.declaration(of: algorithms) + events + Self.end
        }
        return records + events + Self.end
    }

    /// The firmware's records; nil when there is no log of firmware, or none that begins with a declaration: nobody could
    /// read the agent's records behind it.
    func firmwareRecords() throws(GuestError) -> [UInt8]? {
        guard kernel.exists(path) else { return nil }
        let table = try kernel.read(path, limit: Self.limit)
        let end = Self.recordsEnd(table)
        return end > 0 ? Array(table[..<end]) : nil
    }

    /// Where the last whole record ends. Tables are larger than what is in them, and zeros are also within records.
    static func recordsEnd(_ table: [UInt8]) -> Int {
        // The first record, whose only digest is 20 bytes of zeros, declares the digests of the others.
        let firstSize = 32 + Int(table.littleEndian(28..<32))
        guard table.count >= 32, firstSize <= table.count, table.littleEndian(4..<8) == 3 else { return 0 }
        let sizes = digestSizes(Array(table[32..<firstSize]))
        var end = firstSize
        while end + 12 <= table.count {
            let head = table[end..<min(end + 8, table.count)]
            if head.allSatisfy({ $0 == 0xFF }) || head.allSatisfy({ $0 == 0 }) { break }
            guard let next = recordEnd(table, from: end, sizes) else { break }
            end = next
        }
        return end
    }

    private static func recordEnd(_ table: [UInt8], from start: Int, _ sizes: [UInt64: Int]) -> Int? {
        var position = start + 12
        for _ in 0..<min(table.littleEndian(start + 8..<start + 12), 16) {
            guard let size = sizes[table.littleEndian(position..<position + 2)] else { return nil }
            position += 2 + size
            guard position + 4 <= table.count else { return nil }
        }
        guard position + 4 <= table.count else { return nil }
        position += 4 + Int(table.littleEndian(position..<position + 4))
        return position <= table.count ? position : nil
    }

    /// The sizes of digests by algorithm, from the declaration (TCG PFP, TCG_EfiSpecIDEventStruct).
    private static func digestSizes(_ declaration: [UInt8]) -> [UInt64: Int] {
        var sizes: [UInt64: Int] = [:]
        for index in 0..<min(Int(declaration.littleEndian(24..<28)), 16) {
            let start = 28 + 4 * index
            guard start + 4 <= declaration.count else { break }
            sizes[declaration.littleEndian(start..<start + 2)] = Int(declaration.littleEndian(start + 2..<start + 4))
        }
        return sizes
    }
}
