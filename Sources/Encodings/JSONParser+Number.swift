extension JSONParser {
    /// Longest number token; anything longer carries no more than noise.
    private static let longestNumber = 512

    /// Reads a number from its first byte (a digit or a minus sign).
    mutating func number() throws(JSONError) -> JSONValue {
        let start = position
        let negative = bytes[position] == UInt8(ascii: "-")
        if negative { position += 1 }
        let magnitude = try integerPart()
        guard position < bytes.count, isFractionOrExponent(bytes[position]) else {
            return try integer(magnitude, negative: negative, start: start)
        }
        if bytes[position] == UInt8(ascii: ".") {
            position += 1
            try digits()
        }
        if position < bytes.count, bytes[position] | 0x20 == UInt8(ascii: "e") {
            position += 1
            if position < bytes.count, bytes[position] == UInt8(ascii: "+") || bytes[position] == UInt8(ascii: "-") {
                position += 1
            }
            try digits()
        }
        return .double(try double(from: start))
    }

    /// The integer part's value, or `nil` when it does not fit `UInt64`.
    private mutating func integerPart() throws(JSONError) -> UInt64? {
        guard position < bytes.count else { throw endError() }
        let first = bytes[position]
        guard isDigit(first) else { throw error("invalid_number", "A digit was expected here") }
        position += 1
        if first == UInt8(ascii: "0") {
            if position < bytes.count, isDigit(bytes[position]) {
                throw error("invalid_number", "A number must not start with a superfluous zero")
            }
            return 0
        }
        var magnitude = UInt64(first - UInt8(ascii: "0"))
        var overflows = false
        while position < bytes.count, isDigit(bytes[position]) {
            let (product, tooLarge) = magnitude.multipliedReportingOverflow(by: 10)
            let (sum, carries) = product.addingReportingOverflow(UInt64(bytes[position] - UInt8(ascii: "0")))
            overflows = overflows || tooLarge || carries
            magnitude = sum
            position += 1
        }
        return overflows ? nil : magnitude
    }

    private func integer(_ magnitude: UInt64?, negative: Bool, start: Int) throws(JSONError) -> JSONValue {
        guard let magnitude else { return .double(try double(from: start)) }
        guard negative else { return JSONValue(magnitude) }
        if magnitude == 0 { return .double(-0.0) }
        if magnitude <= UInt64(Int64.max) { return .int(-Int64(magnitude)) }
        if magnitude == UInt64(Int64.max) + 1 { return .int(Int64.min) }
        return .double(try double(from: start))
    }

    private mutating func digits() throws(JSONError) {
        guard position < bytes.count else { throw endError() }
        guard isDigit(bytes[position]) else { throw error("invalid_number", "A digit was expected here") }
        while position < bytes.count, isDigit(bytes[position]) { position += 1 }
    }

    private func double(from start: Int) throws(JSONError) -> Double {
        guard position - start <= Self.longestNumber else {
            throw error("invalid_number", "The number has too many digits")
        }
        guard let number = Double(String(decoding: bytes[start..<position], as: UTF8.self)), number.isFinite else {
            throw error("number_out_of_range", "The number is too large for double precision")
        }
        return number
    }

    private func isDigit(_ byte: UInt8) -> Bool {
        byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9")
    }

    private func isFractionOrExponent(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: ".") || byte | 0x20 == UInt8(ascii: "e")
    }
}
