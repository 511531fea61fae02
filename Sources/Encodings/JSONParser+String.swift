extension JSONParser {
    /// Reads a string from its opening quote to behind its closing one.
    mutating func string() throws(JSONError) -> String {
        let opening = position
        position += 1
        let start = position
        while position < bytes.count {
            let byte = bytes[position]
            if byte == UInt8(ascii: "\"") {
                let text = try validated(bytes[start..<position], opening: opening)
                position += 1
                return text
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start, opening: opening) }
            guard byte >= 0x20 else { throw controlError() }
            position += 1
        }
        throw endError()
    }

    private mutating func escapedString(from start: Int, opening: Int) throws(JSONError) -> String {
        var unescaped = Array(bytes[start..<position])
        while position < bytes.count {
            let byte = bytes[position]
            switch byte {
            case UInt8(ascii: "\""):
                let text = try validated(unescaped[...], opening: opening)
                position += 1
                return text
            case UInt8(ascii: "\\"):
                try escape(into: &unescaped)
            case 0x20...:
                unescaped.append(byte)
                position += 1
            default: throw controlError()
            }
        }
        throw endError()
    }

    private mutating func escape(into unescaped: inout [UInt8]) throws(JSONError) {
        guard position + 1 < bytes.count else { throw endError() }
        switch bytes[position + 1] {
        case UInt8(ascii: "\""): unescaped.append(UInt8(ascii: "\""))
        case UInt8(ascii: "\\"): unescaped.append(UInt8(ascii: "\\"))
        case UInt8(ascii: "/"): unescaped.append(UInt8(ascii: "/"))
        case UInt8(ascii: "b"): unescaped.append(0x08)
        case UInt8(ascii: "f"): unescaped.append(0x0C)
        case UInt8(ascii: "n"): unescaped.append(0x0A)
        case UInt8(ascii: "r"): unescaped.append(0x0D)
        case UInt8(ascii: "t"): unescaped.append(0x09)
        case UInt8(ascii: "u"):
            let scalar = try unicodeEscape()
            unescaped.append(contentsOf: String(Character(scalar)).utf8)
            return
        default: throw error("invalid_escape", "This escape sequence is not JSON")
        }
        position += 2
    }

    private mutating func unicodeEscape() throws(JSONError) -> Unicode.Scalar {
        let first = try hexUnit(at: position + 2)
        if let scalar = Unicode.Scalar(first) {
            position += 6
            return scalar
        }
        guard Unicode.UTF16.isLeadSurrogate(first), position + 7 < bytes.count,
            bytes[position + 6] == UInt8(ascii: "\\"), bytes[position + 7] == UInt8(ascii: "u")
        else { throw surrogateError() }
        let second = try hexUnit(at: position + 8)
        guard Unicode.UTF16.isTrailSurrogate(second) else { throw surrogateError() }
        position += 12
        return Unicode.UTF16.decode(Unicode.UTF16.EncodedScalar([first, second]))
    }

    private func hexUnit(at start: Int) throws(JSONError) -> UInt16 {
        guard start + 4 <= bytes.count else { throw endError() }
        var unit: UInt16 = 0
        for byte in bytes[start..<start + 4] {
            guard let digit = Hex.value(of: byte) else {
                throw error("invalid_escape", "Four hexadecimal digits must follow \\u")
            }
            unit = unit << 4 | UInt16(digit)
        }
        return unit
    }

    private func validated(_ slice: ArraySlice<UInt8>, opening: Int) throws(JSONError) -> String {
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw JSONError(code: "invalid_utf8", offset: opening, in: bytes, message: "This string is not UTF-8")
        }
        return text
    }

    private func surrogateError() -> JSONError {
        error("lone_surrogate", "Half of a surrogate pair stands alone")
    }

    private func controlError() -> JSONError {
        error("control_character", "A control character in a string must be escaped")
    }
}
