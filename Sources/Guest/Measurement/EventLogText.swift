import Encodings
import KBSProtocol

/// The crypto-agile format of event logs (TCG PC Client Platform Firmware Profile 1.06, section 10.2.2), as far as the agent
/// writes it.
enum EventLogText {
    /// The largest log that verifiers read.
    static let maximumBytes = 1_048_576
    private static let noAction: UInt32 = 3

    /// The declaration at the beginning of a log (TCG_EfiSpecIdEvent): without one no reader knows how long digests are.
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

    /// Whether bytes are entries and nothing else.
    static func isWhole(_ entries: [UInt8]) -> Bool {
        var reader = ByteReader(entries)
        while !reader.isAtEnd {
            guard entry(&reader) != nil else { return false }
        }
        return true
    }

    /// What entries make of registers that held zeros, by their numbers in the log; nil when they are not whole.
    static func registers(after entries: [UInt8], _ algorithm: HashAlgorithm) -> [UInt32: [UInt8]]? {
        var reader = ByteReader(entries)
        var values: [UInt32: [UInt8]] = [:]
        while !reader.isAtEnd {
            guard let (register, digests) = entry(&reader) else { return nil }
            guard let digest = digests[algorithm] else { continue }
            let value = values[register] ?? [UInt8](repeating: 0, count: algorithm.digestBytes)
            values[register] = algorithm.digest(of: value + digest)
        }
        return values
    }

    /// Reads the register and the digests of an entry; nil when it is cut or has a digest of an unknown algorithm.
    private static func entry(
        _ reader: inout ByteReader
    ) -> (register: UInt32, digests: [HashAlgorithm: [UInt8]])? {
        guard let register = try? reader.u32LE(), (try? reader.skip(4)) != nil, let count = try? reader.u32LE() else {
            return nil
        }
        var digests: [HashAlgorithm: [UInt8]] = [:]
        for _ in 0..<count {
            guard let number = try? reader.u16LE(),
                let algorithm = HashAlgorithm.allCases.first(where: { $0.tcgNumber == number }),
                let digest = try? reader.bytes(algorithm.digestBytes)
            else { return nil }
            digests[algorithm] = digest
        }
        guard let size = try? reader.u32LE(), (try? reader.skip(Int(size))) != nil else { return nil }
        return (register, digests)
    }
}
