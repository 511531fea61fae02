import RATS

/// Reads crypto-agile event logs (TCG PC Client Platform Firmware Profile 1.06, sections 10.2.2 and 10.4.5.1).
struct EventLogParser {
    private static let signature = Array("Spec ID Event03\0".utf8)
    /// Signature, platform class, version and size of machine words.
    private static let headSize = 24
    private static let legacyLog = VerificationError(
        code: "unsupported_version",
        message: "The event log is not in the crypto-agile format, so that it has no digest better than SHA-1.")
    /// More algorithms than any TPM has banks.
    private static let maximumAlgorithms = 16

    private let log: [UInt8]
    private var reader: EvidenceReader
    private var algorithms: [TCGHash] = []

    init(_ log: [UInt8]) {
        self.log = log
        reader = EvidenceReader(log, "The event log")
    }

    mutating func parse() throws(VerificationError) -> EventLog {
        guard log.count <= EventLog.maximumSize else {
            throw reader.malformed("It has \(log.count) bytes; no log has more than \(EventLog.maximumSize).")
        }
        algorithms = try declaredAlgorithms()
        var events: [EventLog.Event] = []
        while !isUnusedFromHere {
            guard events.count < EventLog.maximumEvents else {
                throw reader.malformed("It has more than \(EventLog.maximumEvents) events.")
            }
            events.append(try event())
        }
        return EventLog(algorithms: algorithms, events: events)
    }

    /// Reads the first record, which has the form of older logs so that older readers pass over it.
    private mutating func declaredAlgorithms() throws(VerificationError) -> [TCGHash] {
        try reader.skip(4)  // the register, which firmware sets to 0 or 1
        let type = EventType(rawValue: try reader.u32LE())
        try reader.skip(TCGHash.sha1.digestSize)
        var data = EvidenceReader(try reader.bytes(Int(try reader.u32LE())), "The event log's declaration")
        guard type == .noAction, data.remaining >= Self.headSize else { throw Self.legacyLog }
        let head = try data.bytes(Self.headSize)
        // The guest components' agent puts a declaration with zeros there before its events where firmware left no log.
        guard head.starts(with: Self.signature) || head.allSatisfy({ $0 == 0 }) else { throw Self.legacyLog }
        let count = try data.u32LE()
        guard (1...UInt32(Self.maximumAlgorithms)).contains(count) else {
            throw data.malformed("It has \(count) algorithms.")
        }
        var algorithms: [TCGHash] = []
        for _ in 0..<count {
            let number = try data.u16LE()
            let size = Int(try data.u16LE())
            guard let algorithm = TCGHash(rawValue: number), algorithm.digestSize == size,
                !algorithms.contains(algorithm)
            else { throw data.malformed("It has algorithm \(number) with digests of \(size) bytes.") }
            algorithms.append(algorithm)
        }
        try data.skip(Int(try data.u8()))
        try data.requireEnd()
        return algorithms
    }

    private mutating func event() throws(VerificationError) -> EventLog.Event {
        let index = try reader.u32LE()
        let type = EventType(rawValue: try reader.u32LE())
        let count = try reader.u32LE()
        guard (1...UInt32(algorithms.count)).contains(count) else {
            throw reader.malformed("The event before byte \(reader.position) has \(count) digests.")
        }
        let start = reader.position
        var seen: [TCGHash] = []
        for _ in 0..<count {
            let number = try reader.u16LE()
            guard let algorithm = TCGHash(rawValue: number), algorithms.contains(algorithm), !seen.contains(algorithm)
            else {
                throw reader.malformed(
                    "The digest before byte \(reader.position) has the algorithm \(number), which is unknown or repeated."
                )
            }
            seen.append(algorithm)
            try reader.skip(algorithm.digestSize)
        }
        let digests = start..<reader.position
        let size = Int(try reader.u32LE())
        let data = reader.position
        try reader.skip(size)
        return EventLog.Event(index: index, type: type, digestArea: digests, dataArea: data..<reader.position, log: log)
    }

    /// Whether unused room begins here, which firmware fills with zeros or ones.
    private var isUnusedFromHere: Bool {
        let start = log[reader.position...].prefix(8)
        return start.allSatisfy { $0 == 0 } || start.allSatisfy { $0 == 0xFF }
    }
}
