/// Escapes in URLs (RFC 3986 section 2), by the rules of Go's `net/url`.
enum PercentCoding {
    typealias Octets = ArraySlice<UInt8>

    /// The octets with escapes resolved; nil when an escape is malformed.
    static func decoded(_ text: Octets, plusIsBlank: Bool = false) -> [UInt8]? {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = text.startIndex
        while index < text.endIndex {
            let byte = text[index]
            guard byte == UInt8(ascii: "%") else {
                result.append(plusIsBlank && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
                index += 1
                continue
            }
            guard let value = escape(text, at: index) else { return nil }
            result.append(value)
            index += 3
        }
        return result
    }

    /// A host: only octets beyond ASCII may be escaped, and more in the zone of an IPv6 address, which `%25` begins
    /// (RFC 6874).
    static func decodedHost(_ text: Octets) -> [UInt8]? {
        let zone = text.first == UInt8(ascii: "[") ? ByteSearch.first(Array("%25".utf8), in: Array(text)) : nil
        for (offset, byte) in text.enumerated() {
            if byte == UInt8(ascii: "%") {
                guard let value = escape(text, at: text.startIndex + offset) else { return nil }
                let isInZone = zone.map { offset >= $0 } ?? false
                let isPlain = value == UInt8(ascii: " ") || isHost(value)
                guard value >= 0x80 || value == UInt8(ascii: "%") || (isInZone && isPlain) else { return nil }
            } else if byte < 0x80, !isHost(byte) {
                return nil
            }
        }
        return decoded(text)
    }

    /// The value of the escape that starts at a place.
    private static func escape(_ text: Octets, at index: Int) -> UInt8? {
        guard index + 2 < text.endIndex, let high = hex(text[index + 1]), let low = hex(text[index + 2]) else {
            return nil
        }
        return high << 4 | low
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case 48...57: byte - 48
        case 65...70: byte - 55
        case 97...102: byte - 87
        default: nil
        }
    }

    // MARK: alphabets

    private static let unreservedMarks = Set("-_.~".utf8)
    private static let hostMarks = Set("!$&'()*+,;=:[]<>\"".utf8)
    private static let pathMarks = Set("!$&'()*+,;=:@[]/%".utf8)
    private static let plainPathMarks = Set("$&+,/:;=@".utf8)
    private static let userMarks = Set(":!$&'()*+,;=%@".utf8)

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
            || unreservedMarks.contains(byte)
    }

    static func isUserInfo(_ byte: UInt8) -> Bool { isUnreserved(byte) || userMarks.contains(byte) }

    private static func isHost(_ byte: UInt8) -> Bool { isUnreserved(byte) || hostMarks.contains(byte) }

    /// Whether the octet may stand in an escaped path.
    static func isPath(_ byte: UInt8) -> Bool { isUnreserved(byte) || pathMarks.contains(byte) }

    static func encodedPath(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var result: [UInt8] = []
        for byte in bytes {
            if isUnreserved(byte) || plainPathMarks.contains(byte) {
                result.append(byte)
            } else {
                result += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}
