/// A cursor over the bytes of a TOML document: keys, strings and white space.
struct TOMLReader {
    private let bytes: [UInt8]
    private(set) var position = 0
    private(set) var line = 1
    private var values = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    func error(_ message: String) -> TOMLError {
        TOMLError(line: line, message: message)
    }

    func peek(_ offset: Int = 0) -> UInt8? {
        position + offset < bytes.count ? bytes[position + offset] : nil
    }

    mutating func advance(_ count: Int = 1) {
        for _ in 0..<count {
            if peek() == UInt8(ascii: "\n") { line += 1 }
            position += 1
        }
    }

    mutating func take(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        advance()
        return true
    }

    /// Counts keys and elements, so that no document becomes more values than is sensible.
    mutating func count(_ number: Int) throws(TOMLError) {
        values += number
        guard values <= TOMLDocument.maximumValues else { throw error("the document has too many values") }
    }

    func text(from start: Int) -> String {
        String(decoding: bytes[start..<position], as: UTF8.self)
    }

    // MARK: White space and comments

    mutating func skipSpaces() {
        while peek() == UInt8(ascii: " ") || peek() == UInt8(ascii: "\t") { position += 1 }
    }

    /// Skips blank and comment lines; answers whether anything is left to read.
    mutating func skipBlankLines() -> Bool {
        while true {
            skipSpaces()
            skipComment()
            guard takeNewline() else { return peek() != nil }
        }
    }

    mutating func takeNewline() -> Bool {
        if peek() == UInt8(ascii: "\r"), peek(1) == UInt8(ascii: "\n") { position += 1 }
        return take(UInt8(ascii: "\n"))
    }

    /// Skips a comment up to its line's end or to a control character, which the caller then stumbles over.
    private mutating func skipComment() {
        guard peek() == UInt8(ascii: "#") else { return }
        while let byte = peek(), byte >= 0x20 && byte != 0x7f || byte == UInt8(ascii: "\t") { position += 1 }
    }

    mutating func endOfLine() throws(TOMLError) {
        skipSpaces()
        skipComment()
        guard peek() == nil || takeNewline() else { throw error("something follows at the end of the line") }
    }

    func requireEnd() throws(TOMLError) {
        guard position == bytes.count else { throw error("there is an unexpected character") }
    }

    /// Skips white space, newlines and comments inside an array.
    mutating func skipFiller() {
        _ = skipBlankLines()
    }

    // MARK: Keys

    /// A dotted key, white space around it included.
    mutating func key() throws(TOMLError) -> [String] {
        var path: [String] = []
        repeat {
            guard path.count < TOMLDocument.maximumDepth else { throw error("a key has too many parts") }
            skipSpaces()
            path.append(try keyPart())
            skipSpaces()
        } while take(UInt8(ascii: "."))
        return path
    }

    private mutating func keyPart() throws(TOMLError) -> String {
        switch peek() {
        case UInt8(ascii: "\""):
            guard peek(1) != UInt8(ascii: "\"") || peek(2) != UInt8(ascii: "\"") else {
                throw error("a key cannot be a multi-line string")
            }
            return try basicString()
        case UInt8(ascii: "'"):
            guard peek(1) != UInt8(ascii: "'") || peek(2) != UInt8(ascii: "'") else {
                throw error("a key cannot be a multi-line string")
            }
            return try literalString()
        default:
            let start = position
            while let byte = peek(), Self.isBareKeyByte(byte) { position += 1 }
            guard position > start else { throw error("a key is missing") }
            return text(from: start)
        }
    }

    private static func isBareKeyByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"):
            true
        default: false
        }
    }

    // MARK: Strings

    mutating func string() throws(TOMLError) -> String {
        guard let quote = peek() else { throw error("a string is missing") }
        if peek(1) == quote, peek(2) == quote { return try multilineString(quote) }
        return quote == UInt8(ascii: "'") ? try literalString() : try basicString()
    }

    private mutating func literalString() throws(TOMLError) -> String {
        position += 1
        let start = position
        while let byte = peek(), byte != UInt8(ascii: "'") {
            guard Self.isText(byte) else { throw error("a string has a character that it cannot have") }
            position += 1
        }
        let result = text(from: start)
        guard take(UInt8(ascii: "'")) else { throw error("a string is not closed") }
        return result
    }

    private mutating func basicString() throws(TOMLError) -> String {
        position += 1
        var result: [UInt8] = []
        while let byte = peek(), byte != UInt8(ascii: "\"") {
            guard Self.isText(byte) else { throw error("a string has a character that it cannot have") }
            position += 1
            if byte == UInt8(ascii: "\\") { try escape(into: &result) } else { result.append(byte) }
        }
        guard take(UInt8(ascii: "\"")) else { throw error("a string is not closed") }
        return String(decoding: result, as: UTF8.self)
    }

    private mutating func multilineString(_ quote: UInt8) throws(TOMLError) -> String {
        position += 3
        _ = takeNewline()
        var result: [UInt8] = []
        while let byte = peek() {
            if byte == quote, peek(1) == quote, peek(2) == quote {
                var extra = 0
                while extra < 2, peek(3 + extra) == quote { extra += 1 }
                result.append(contentsOf: repeatElement(quote, count: extra))
                position += 3 + extra
                return String(decoding: result, as: UTF8.self)
            }
            if byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r") && peek(1) == UInt8(ascii: "\n") {
                if byte == UInt8(ascii: "\r") { result.append(byte) }
                result.append(UInt8(ascii: "\n"))
                _ = takeNewline()
                continue
            }
            guard Self.isText(byte) else { throw error("a string has a character that it cannot have") }
            position += 1
            guard byte == UInt8(ascii: "\\"), quote == UInt8(ascii: "\"") else {
                result.append(byte)
                continue
            }
            if !skipLineContinuation() { try escape(into: &result) }
        }
        throw error("a string is not closed")
    }

    /// After a backslash: skips white space up to the next visible character when the rest of the line is blank.
    private mutating func skipLineContinuation() -> Bool {
        var ahead = 0
        while peek(ahead) == UInt8(ascii: " ") || peek(ahead) == UInt8(ascii: "\t") { ahead += 1 }
        guard peek(ahead) == UInt8(ascii: "\n") || peek(ahead) == UInt8(ascii: "\r") && peek(ahead + 1) == 0x0a else {
            return false
        }
        repeat { skipSpaces() } while takeNewline()
        return true
    }

    private mutating func escape(into result: inout [UInt8]) throws(TOMLError) {
        guard let byte = peek() else { throw error("a string is not closed") }
        position += 1
        switch byte {
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "n"): result.append(0x0a)
        case UInt8(ascii: "f"): result.append(0x0c)
        case UInt8(ascii: "r"): result.append(0x0d)
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): result.append(byte)
        case UInt8(ascii: "u"): try unicodeEscape(digits: 4, into: &result)
        case UInt8(ascii: "U"): try unicodeEscape(digits: 8, into: &result)
        default: throw error("a string has an unknown escape")
        }
    }

    private mutating func unicodeEscape(digits: Int, into result: inout [UInt8]) throws(TOMLError) {
        let start = position
        for _ in 0..<digits {
            guard let byte = peek(), Self.isHexDigit(byte) else { throw error("a string has a broken escape") }
            position += 1
        }
        guard let number = UInt32(text(from: start), radix: 16), let scalar = Unicode.Scalar(number) else {
            throw error("a string has an escape that is no character")
        }
        result.append(contentsOf: Array(String(Character(scalar)).utf8))
    }

    static func isHexDigit(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "F"),
            UInt8(ascii: "a")...UInt8(ascii: "f"):
            true
        default: false
        }
    }

    private static func isText(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte != 0x7f || byte == UInt8(ascii: "\t")
    }
}
