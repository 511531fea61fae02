import Encodings
import KBSProtocol

/// Event logs as guests send them: what firmware measured, then what the agent did, in the crypto-agile format of the TCG
/// (PC Client Platform Firmware Profile 1.06, section 10.2.2).
enum EventLogText {
    /// The largest log that verifiers read.
    static let maximumBytes = 1_048_576
    /// Firmware's tables may have unused room behind the log.
    static let maximumTableBytes = 4 * 1_048_576
    /// Verifiers stop reading here.
    static let endMark = [UInt8](repeating: 0xFF, count: 8)
    private static let noAction: UInt32 = 3

    /// A log from its parts, ended by its mark; nil when there is no part.
    ///
    /// Where firmware left no log, a declaration goes before the agent's own: without one no reader knows how long its
    /// digests are.
    ///
    /// - Throws: `GuestError` with `evidence_failed` when firmware's log is cut or the whole is too large.
    static func joined(
        platform: [UInt8]?, runtime: [UInt8]?, declaring algorithms: [HashAlgorithm]
    ) throws(GuestError) -> [UInt8]? {
        guard platform != nil || runtime != nil else { return nil }
        var log: [UInt8] = []
        if let platform { log = Array(platform[..<(try end(ofPlatform: platform))]) }
        if let runtime {
            if log.isEmpty { log = declaration(of: algorithms) }
            log += runtime
        }
        log += endMark
        guard log.count <= maximumBytes else {
            throw GuestError(.evidence, "The event log has \(log.count) bytes; no verifier reads it.")
        }
        return log
    }

    /// The declaration at the beginning of a log (TCG_EfiSpecIdEvent).
    static func declaration(of algorithms: [HashAlgorithm]) -> [UInt8] {
        var event = Array("Spec ID Event03\0".utf8)
        // Platform class, version 2.0 with errata 0, and the size of machine words: 64 bits.
        event += [0, 0, 0, 0] + [0, 2, 0, 2]
        event.appendLittleEndian(UInt32(algorithms.count))
        for algorithm in algorithms {
            event.appendLittleEndian(algorithm.tcgNumber)
            event.appendLittleEndian(UInt16(algorithm.digestBytes))
        }
        event.append(0)
        var record: [UInt8] = [0, 0, 0, 0]
        record.appendLittleEndian(noAction)
        record += [UInt8](repeating: 0, count: 20)
        record.appendLittleEndian(UInt32(event.count))
        return record + event
    }

    /// Where firmware's log ends: at its mark, or with its table.
    private static func end(ofPlatform log: [UInt8]) throws(GuestError) -> Int {
        var reader = ByteReader(log)
        var isWhole = (try? reader.skip(28)) != nil && skipCounted(&reader)
        while isWhole, !isUnused(log, from: reader.position) { isWhole = skipEntry(&reader) }
        guard isWhole else {
            throw GuestError(
                .evidence, "The event log of this machine's firmware is not understood at byte \(reader.position).")
        }
        return reader.position
    }

    /// Whether bytes are entries and nothing else.
    static func isWhole(_ entries: [UInt8]) -> Bool {
        var reader = ByteReader(entries)
        while !reader.isAtEnd {
            guard skipEntry(&reader) else { return false }
        }
        return true
    }

    /// Passes over an entry; false when it is cut or has a digest of an unknown algorithm.
    private static func skipEntry(_ reader: inout ByteReader) -> Bool {
        guard (try? reader.skip(8)) != nil, let digests = try? reader.u32LE() else { return false }
        for _ in 0..<digests {
            guard let number = try? reader.u16LE(), let size = digestBytes[number], (try? reader.skip(size)) != nil
            else { return false }
        }
        return skipCounted(&reader)
    }

    private static func skipCounted(_ reader: inout ByteReader) -> Bool {
        guard let count = try? reader.u32LE() else { return false }
        return (try? reader.skip(Int(count))) != nil
    }

    /// The sizes of digests by the number in the TCG Algorithm Registry, SHA-1 among them.
    private static let digestBytes: [UInt16: Int] = [4: 20].merging(
        HashAlgorithm.allCases.map { ($0.tcgNumber, $0.digestBytes) }
    ) { first, _ in first }

    /// Whether nothing more was recorded: at the end, or where room begins that is filled with zeros or ones.
    private static func isUnused(_ log: [UInt8], from position: Int) -> Bool {
        let start = log[position...].prefix(8)
        return start.allSatisfy { $0 == 0 } || start.allSatisfy { $0 == 0xFF }
    }
}
