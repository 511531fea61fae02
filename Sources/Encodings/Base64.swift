/// Base64 in its two alphabets (RFC 4648 sections 4 and 5). Every form has exactly one text per byte string: trailing bits
/// that are not zero are refused everywhere.
public enum Base64 {
    /// Standard alphabet with padding.
    public static func encode(_ bytes: [UInt8]) -> String {
        encode(bytes, alphabet: standardAlphabet, padded: true)
    }

    /// URL-safe alphabet without padding, as JOSE uses it (RFC 7515 section 2).
    public static func encodeURL(_ bytes: [UInt8]) -> String {
        encode(bytes, alphabet: urlAlphabet, padded: false)
    }

    /// Standard alphabet; padding is required, nothing else is skipped.
    public static func decode(_ text: String) throws(ByteCodingError) -> [UInt8] {
        let characters = Array(text.utf8)
        guard characters.count % 4 == 0 else { throw .padding }
        let padding = trailingPadding(characters)
        guard padding <= 2 else { throw .padding }
        return try decode(characters[..<(characters.count - padding)], values: standardValues)
    }

    /// URL-safe alphabet; padding is refused, nothing is skipped.
    public static func decodeURL(_ text: String) throws(ByteCodingError) -> [UInt8] {
        let characters = Array(text.utf8)
        guard characters.last != UInt8(ascii: "=") else { throw .padding }
        return try decode(characters[...], values: urlValues)
    }

    /// Either alphabet, carriage returns and line feeds skipped, padding optional (when there is some, it must be right).
    public static func decodeLenient(_ text: String) throws(ByteCodingError) -> [UInt8] {
        let characters = text.utf8.filter { $0 != 0x0A && $0 != 0x0D }
        let padding = trailingPadding(characters)
        guard padding == 0 || (padding <= 2 && characters.count % 4 == 0) else { throw .padding }
        return try decode(characters[..<(characters.count - padding)], values: lenientValues)
    }

    private static let standardAlphabet = Array(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
    private static let urlAlphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    private static let invalid: UInt8 = 0xFF
    private static let standardValues = values(of: [standardAlphabet])
    private static let urlValues = values(of: [urlAlphabet])
    private static let lenientValues = values(of: [standardAlphabet, urlAlphabet])

    private static func values(of alphabets: [[UInt8]]) -> [UInt8] {
        var values = [UInt8](repeating: invalid, count: 256)
        for alphabet in alphabets {
            for (value, character) in alphabet.enumerated() { values[Int(character)] = UInt8(value) }
        }
        return values
    }

    private static func trailingPadding(_ characters: [UInt8]) -> Int {
        characters.reversed().prefix { $0 == UInt8(ascii: "=") }.count
    }

    private static func encode(_ bytes: [UInt8], alphabet: [UInt8], padded: Bool) -> String {
        var characters = [UInt8]()
        characters.reserveCapacity((bytes.count + 2) / 3 * 4)
        var position = 0
        while position < bytes.count {
            let available = min(3, bytes.count - position)
            var group = UInt32(bytes[position]) << 16
            if available > 1 { group |= UInt32(bytes[position + 1]) << 8 }
            if available > 2 { group |= UInt32(bytes[position + 2]) }
            characters.append(alphabet[Int(group >> 18 & 0x3F)])
            characters.append(alphabet[Int(group >> 12 & 0x3F)])
            if available > 1 { characters.append(alphabet[Int(group >> 6 & 0x3F)]) }
            if available > 2 { characters.append(alphabet[Int(group & 0x3F)]) }
            position += available
        }
        while padded, characters.count % 4 != 0 { characters.append(UInt8(ascii: "=")) }
        return String(decoding: characters, as: UTF8.self)
    }

    /// Groups of four by themselves, without a test for each character: evidence is kilobytes of such text.
    private static func decode(_ characters: ArraySlice<UInt8>, values: [UInt8]) throws(ByteCodingError) -> [UInt8] {
        let rest = characters.count % 4
        guard rest != 1 else { throw .length }
        let groups = characters.count / 4
        // Every bit that any value has. Those of characters have six, `invalid` has more.
        var seen: UInt8 = 0
        var trailing: UInt32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: groups * 3 + max(0, rest - 1)) { bytes, count in
            characters.withUnsafeBufferPointer { characters in
                values.withUnsafeBufferPointer { values in
                    func value(_ position: Int) -> UInt32 {
                        let value = values[Int(characters[position])]
                        seen |= value
                        return UInt32(value)
                    }
                    for group in 0..<groups {
                        let first = group * 4
                        let bits =
                            value(first) << 18 | value(first + 1) << 12 | value(first + 2) << 6 | value(first + 3)
                        bytes[count] = UInt8(truncatingIfNeeded: bits >> 16)
                        bytes[count + 1] = UInt8(truncatingIfNeeded: bits >> 8)
                        bytes[count + 2] = UInt8(truncatingIfNeeded: bits)
                        count += 3
                    }
                    guard rest > 0 else { return }
                    var bits = value(groups * 4) << 18 | value(groups * 4 + 1) << 12
                    if rest == 3 { bits |= value(groups * 4 + 2) << 6 }
                    for index in 0..<(rest - 1) {
                        bytes[count] = UInt8(truncatingIfNeeded: bits >> UInt32(16 - 8 * index))
                        count += 1
                    }
                    trailing = rest == 2 ? bits & 0xFFFF : bits & 0xFF
                }
            }
        }
        guard seen & 0xC0 == 0 else { throw .character }
        guard trailing == 0 else { throw .trailingBits }
        return bytes
    }
}
