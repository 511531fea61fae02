/// PostgreSQL's binary form of `text[]`: dimensions, a flag for NULLs, element type, per dimension length and lower bound,
/// then each element behind its length (all 32-bit big endian).
enum TextArray {
    static func decode(_ bytes: UnsafeBufferPointer<UInt8>) -> [String]? {
        var rest = bytes[...]
        func integer() -> Int? {
            guard rest.count >= 4 else { return nil }
            defer { rest = rest.dropFirst(4) }
            return Int(Int32(bitPattern: rest.prefix(4).reduce(UInt32(0)) { $0 << 8 | UInt32($1) }))
        }
        guard let dimensions = integer(), integer() != nil, integer() != nil else { return nil }
        guard dimensions == 1 else { return dimensions == 0 ? [] : nil }
        guard let count = integer(), integer() != nil, count >= 0 else { return nil }
        var texts: [String] = []
        for _ in 0..<count {
            guard let length = integer(), length >= 0, rest.count >= length,
                let text = String(validating: rest.prefix(length), as: UTF8.self)
            else { return nil }
            texts.append(text)
            rest = rest.dropFirst(length)
        }
        return texts
    }

    /// PostgreSQL's text form of an array: each element in quotes, with quotes and backslashes escaped.
    static func literal(_ texts: [String]) -> String {
        var bytes: [UInt8] = [UInt8(ascii: "{")]
        for (index, text) in texts.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(UInt8(ascii: "\""))
            for byte in text.utf8 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(UInt8(ascii: "}"))
        return String(decoding: bytes, as: UTF8.self)
    }
}
