extension TOMLReader {
    /// A value at this nesting.
    mutating func value(depth: Int) throws(TOMLError) -> TOMLTable.Entry {
        guard depth <= TOMLDocument.maximumDepth else { throw error("values are nested too deeply") }
        switch peek() {
        case UInt8(ascii: "\""), UInt8(ascii: "'"): return .value(.string(try string()))
        case UInt8(ascii: "["): return .value(try array(depth: depth))
        case UInt8(ascii: "{"): return .table(try inlineTable(depth: depth))
        default: return .value(try scalar())
        }
    }

    private mutating func array(depth: Int) throws(TOMLError) -> JSONValue {
        advance()
        var elements: [JSONValue] = []
        while true {
            skipFiller()
            if take(UInt8(ascii: "]")) { return .array(elements) }
            try count(1)
            switch try value(depth: depth + 1) {
            case .value(let element): elements.append(element)
            case .table(let table): elements.append(.object(table.json()))
            case .tables: break
            }
            skipFiller()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "]")) else { throw error("an array is not closed") }
            return .array(elements)
        }
    }

    private mutating func inlineTable(depth: Int) throws(TOMLError) -> TOMLTable {
        advance()
        let table = TOMLTable(origin: .inline)
        skipSpaces()
        if take(UInt8(ascii: "}")) { return table }
        while true {
            try TOMLDocument.keyValue(&self, into: table, depth: depth)
            skipSpaces()
            if take(UInt8(ascii: ",")) { continue }
            guard take(UInt8(ascii: "}")) else { throw error("an inline table is not closed") }
            return table
        }
    }

    /// A Boolean, number, date or time: everything that is written without quotes.
    private mutating func scalar() throws(TOMLError) -> JSONValue {
        let start = position
        while let byte = peek(), Self.isScalarByte(byte) { advance() }
        if position - start == 10, TOMLTime.isDate(text(from: start)), peek() == UInt8(ascii: " "),
            let next = peek(1), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(next)
        {
            advance()
            while let byte = peek(), Self.isScalarByte(byte) { advance() }
        }
        let token = text(from: start)
        switch token {
        case "true": return true
        case "false": return false
        default: break
        }
        if TOMLTime.isDateOrTime(token) { return .string(token) }
        if let number = TOMLNumber.parse(token) { return number }
        throw error("a value is neither text nor a number, date or Boolean that can be read")
    }

    private static func isScalarByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "+"),
            UInt8(ascii: "."), UInt8(ascii: ":"):
            true
        default: false
        }
    }
}

/// Numbers as TOML writes them.
enum TOMLNumber {
    static func parse(_ token: String) -> JSONValue? {
        let bytes = Array(token.utf8)
        guard !bytes.isEmpty, bytes.count <= 256 else { return nil }
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where token.hasPrefix(prefix) {
            guard let digits = withoutUnderscores(bytes.dropFirst(2), hexadecimal: true), !digits.hasPrefix("+"),
                !digits.hasPrefix("-")
            else { return nil }
            return Int64(digits, radix: radix).map { .int($0) }
        }
        let unsigned = bytes[0] == UInt8(ascii: "+") || bytes[0] == UInt8(ascii: "-") ? bytes.dropFirst() : bytes[...]
        guard let digits = withoutUnderscores(unsigned, hexadecimal: false) else { return nil }
        let sign = bytes[0] == UInt8(ascii: "-") ? "-" : ""
        let mantissa = digits.utf8.prefix { isDigit($0) }
        guard mantissa.count == 1 || mantissa.first != UInt8(ascii: "0"), !mantissa.isEmpty else { return nil }
        if mantissa.count == digits.utf8.count { return Int64(sign + digits).map { .int($0) } }
        guard isFloat(Array(digits.utf8.dropFirst(mantissa.count))), let number = Double(sign + digits),
            number.isFinite
        else { return nil }
        return .double(number)
    }

    /// Whether this follows the integral part of a float: a fraction, an exponent or both.
    private static func isFloat(_ rest: [UInt8]) -> Bool {
        var rest = rest[...]
        if rest.first == UInt8(ascii: ".") {
            let fraction = rest.dropFirst().prefix { isDigit($0) }
            guard !fraction.isEmpty else { return false }
            rest = rest.dropFirst(1 + fraction.count)
        }
        guard let first = rest.first else { return true }
        guard first == UInt8(ascii: "e") || first == UInt8(ascii: "E") else { return false }
        rest = rest.dropFirst()
        if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest = rest.dropFirst() }
        return !rest.isEmpty && rest.allSatisfy(isDigit)
    }

    /// The digits without the underscores between them; `nil` when an underscore is not between two digits.
    private static func withoutUnderscores(_ bytes: ArraySlice<UInt8>, hexadecimal: Bool) -> String? {
        let isBetween = hexadecimal ? TOMLReader.isHexDigit : isDigit
        var result: [UInt8] = []
        for index in bytes.indices {
            guard bytes[index] == UInt8(ascii: "_") else {
                result.append(bytes[index])
                continue
            }
            guard index > bytes.startIndex, index + 1 < bytes.endIndex, isBetween(bytes[index - 1]),
                isBetween(bytes[index + 1])
            else { return nil }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}

/// Dates and times as TOML writes them (RFC 3339).
enum TOMLTime {
    static func isDateOrTime(_ token: String) -> Bool {
        guard token.utf8.count >= 10, isDate(String(decoding: token.utf8.prefix(10), as: UTF8.self)) else {
            return isTime(Array(token.utf8))
        }
        let rest = Array(token.utf8.dropFirst(10))
        guard let separator = rest.first else { return true }
        guard [UInt8(ascii: "T"), UInt8(ascii: "t"), UInt8(ascii: " ")].contains(separator) else { return false }
        return isTime(withoutOffset(Array(rest.dropFirst())))
    }

    static func isDate(_ token: String) -> Bool {
        let bytes = Array(token.utf8)
        guard bytes.count == 10, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"),
            number(bytes[0..<4]) != nil, let month = number(bytes[5..<7]), let day = number(bytes[8..<10])
        else { return false }
        return (1...12).contains(month) && (1...31).contains(day)
    }

    private static func isTime(_ bytes: [UInt8]) -> Bool {
        guard bytes.count >= 8, bytes[2] == UInt8(ascii: ":"), bytes[5] == UInt8(ascii: ":"),
            let hour = number(bytes[0..<2]), let minute = number(bytes[3..<5]), let second = number(bytes[6..<8]),
            hour < 24, minute < 60, second <= 60
        else { return false }
        let rest = bytes.dropFirst(8)
        guard let point = rest.first else { return true }
        return point == UInt8(ascii: ".") && (2...10).contains(rest.count) && number(rest.dropFirst()) != nil
    }

    private static func withoutOffset(_ bytes: [UInt8]) -> [UInt8] {
        if let last = bytes.last, last == UInt8(ascii: "Z") || last == UInt8(ascii: "z") { return bytes.dropLast() }
        guard bytes.count > 6 else { return bytes }
        let offset = Array(bytes.suffix(6))
        guard offset[0] == UInt8(ascii: "+") || offset[0] == UInt8(ascii: "-"), offset[3] == UInt8(ascii: ":"),
            let hours = number(offset[1..<3]), let minutes = number(offset[4..<6]), hours < 24, minutes < 60
        else { return bytes }
        return bytes.dropLast(6)
    }

    private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
        guard !digits.isEmpty, digits.count <= 9 else { return nil }
        var result = 0
        for digit in digits {
            guard (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(digit) else { return nil }
            result = result * 10 + Int(digit - UInt8(ascii: "0"))
        }
        return result
    }
}
