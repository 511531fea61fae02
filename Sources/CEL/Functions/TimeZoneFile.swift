import Encodings

/// The rules of one zone from a TZif file (RFC 8536), version 2 or newer.
struct TimeZoneFile: Sendable {
    private let transitions: [Int64]
    private let types: [UInt8]
    private let offsets: [Int64]
    /// What holds after the last transition.
    private let rule: TimeZoneRule?

    /// Nil when the bytes are no such file.
    init?(_ bytes: [UInt8]) {
        guard let first = Header(bytes[...]), first.version >= UInt8(ascii: "2"),
            bytes.count >= first.length(timeSize: 4)
        else { return nil }
        let rest = bytes[first.length(timeSize: 4)...]
        guard let header = Header(rest), header.typeCount > 0 else { return nil }
        let length = header.length(timeSize: 8)
        guard rest.count >= length else { return nil }
        var cursor = rest.startIndex + Header.size
        var transitions: [Int64] = []
        for _ in 0..<header.transitionCount {
            transitions.append(Int64(bitPattern: Self.number(rest, at: cursor, size: 8)))
            cursor += 8
        }
        types = Array(rest[cursor..<cursor + header.transitionCount])
        cursor += header.transitionCount
        var offsets: [Int64] = []
        for _ in 0..<header.typeCount {
            offsets.append(Int64(Int32(truncatingIfNeeded: Self.number(rest, at: cursor, size: 4))))
            cursor += 6
        }
        guard types.allSatisfy({ Int($0) < offsets.count }) else { return nil }
        self.transitions = transitions
        self.offsets = offsets
        let footer = rest[(rest.startIndex + length)...].drop { $0 == 10 }.prefix { $0 != 10 }
        rule = TimeZoneRule(String(decoding: footer, as: UTF8.self))
    }

    /// Seconds east of UTC at a point in time.
    func offset(at seconds: Int64) -> Int64 {
        guard let last = transitions.last else { return rule?.offset(at: seconds) ?? offsets[0] }
        if seconds >= last, let rule { return rule.offset(at: seconds) }
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return low == 0 ? offsets[0] : offsets[Int(types[low - 1])]
    }

    private struct Header {
        static let size = 44
        let version: UInt8
        let counts: [Int]
        var transitionCount: Int { counts[3] }
        var typeCount: Int { counts[4] }

        init?(_ bytes: ArraySlice<UInt8>) {
            guard bytes.count >= Self.size, bytes.prefix(4).elementsEqual("TZif".utf8) else { return nil }
            version = bytes[bytes.startIndex + 4]
            counts = (0..<6).map { Int(TimeZoneFile.number(bytes, at: bytes.startIndex + 20 + 4 * $0, size: 4)) }
            guard counts.allSatisfy({ $0 < 100_000 }) else { return nil }
        }

        /// Header and data block together.
        func length(timeSize: Int) -> Int {
            Self.size + counts[3] * (timeSize + 1) + counts[4] * 6 + counts[5] + counts[2] * (timeSize + 4) + counts[1]
                + counts[0]
        }
    }

    private static func number(_ bytes: ArraySlice<UInt8>, at start: Int, size: Int) -> UInt64 {
        bytes[start..<start + size].reduce(0) { $0 << 8 | UInt64($1) }
    }
}
