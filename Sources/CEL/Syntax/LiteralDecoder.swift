/// Turns the inside of a string or bytes literal into its octets.
struct LiteralDecoder {
    let scalars: [Unicode.Scalar]
    let isBytes: Bool

    func raw(_ body: Range<Int>) -> [UInt8] {
        var octets: [UInt8] = []
        for scalar in scalars[body] { octets += UTF8.octets(of: scalar) }
        return octets
    }

    func decode(_ body: Range<Int>) throws(CELError) -> [UInt8] {
        var octets: [UInt8] = []
        var position = body.lowerBound
        while position < body.upperBound {
            if scalars[position] == "\\" {
                octets += try escape(&position, end: body.upperBound)
            } else {
                octets += UTF8.octets(of: scalars[position])
                position += 1
            }
        }
        return octets
    }

    private func escape(_ position: inout Int, end: Int) throws(CELError) -> [UInt8] {
        let start = position
        guard position + 1 < end else { throw CELError(.syntax, "the string ends in a backslash", at: start) }
        let letter = scalars[position + 1]
        position += 2
        switch letter {
        case "a": return [7]
        case "b": return [8]
        case "f": return [12]
        case "n": return [10]
        case "r": return [13]
        case "t": return [9]
        case "v": return [11]
        case "\\", "?", "\"", "'", "`": return [UInt8(letter.value)]
        case "x", "X": return try octet(digits(2, radix: 16, &position, end), start)
        case "u" where !isBytes: return try codePoint(digits(4, radix: 16, &position, end), start)
        case "U" where !isBytes: return try codePoint(digits(8, radix: 16, &position, end), start)
        case "0"..."3":
            position -= 1
            return try octet(digits(3, radix: 8, &position, end), start)
        default: throw CELError(.syntax, "\\\(letter) is not a known escape here", at: start)
        }
    }

    private func digits(_ count: Int, radix: Int, _ position: inout Int, _ end: Int) -> UInt32? {
        guard position + count <= end else { return nil }
        var text = ""
        for scalar in scalars[position..<position + count] {
            guard scalar.properties.isASCIIHexDigit else { return nil }
            text.unicodeScalars.append(scalar)
        }
        position += count
        return UInt32(text, radix: radix)
    }

    /// An octet in bytes, the code point of that number in a string.
    private func octet(_ value: UInt32?, _ start: Int) throws(CELError) -> [UInt8] {
        guard isBytes, let value, value < 256 else { return try codePoint(value, start) }
        return [UInt8(value)]
    }

    private func codePoint(_ value: UInt32?, _ start: Int) throws(CELError) -> [UInt8] {
        guard let value, let scalar = Unicode.Scalar(value) else {
            throw CELError(.syntax, "the escape does not name a code point", at: start)
        }
        return UTF8.octets(of: scalar)
    }
}

extension UTF8 {
    fileprivate static func octets(of scalar: Unicode.Scalar) -> [UInt8] { Array(String(scalar).utf8) }
}
