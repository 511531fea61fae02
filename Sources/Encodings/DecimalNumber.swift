/// A finite double as the shortest decimal digits that read back to it.
struct DecimalNumber {
    private let negative: Bool
    /// Significant digits without leading or trailing zeros; empty for zero.
    private let digits: [UInt8]
    /// The decimal point stands this many digits right of the start of `digits`.
    private let point: Int

    /// `nil` when the number is infinite or not a number.
    init?(_ number: Double) {
        guard number.isFinite else { return nil }
        negative = number.sign == .minus
        var digits = [UInt8]()
        var fractionDigits = 0
        var exponent = 0
        var afterPoint = false
        // The standard library prints the shortest digits that round-trip, as 123.45, 1.2e-07 or 1e+20.
        let text = Array(number.magnitude.description.utf8)
        for (position, byte) in text.enumerated() {
            if byte == UInt8(ascii: ".") {
                afterPoint = true
            } else if byte | 0x20 == UInt8(ascii: "e") {
                exponent = Int(String(decoding: text[(position + 1)...], as: UTF8.self)) ?? 0
                break
            } else {
                digits.append(byte)
                if afterPoint { fractionDigits += 1 }
            }
        }
        var point = digits.count - fractionDigits + exponent
        let leadingZeros = digits.prefix { $0 == UInt8(ascii: "0") }.count
        digits.removeFirst(leadingZeros)
        point -= leadingZeros
        while digits.last == UInt8(ascii: "0") { digits.removeLast() }
        self.digits = digits
        self.point = digits.isEmpty ? 1 : point
    }

    /// The form of ECMAScript's Number::toString, which RFC 8785 section 3.2.2.3 demands.
    var ecmaScriptText: String {
        guard !digits.isEmpty else { return "0" }
        let magnitude =
            (-5...21).contains(point) ? plain(fractionForIntegers: "") : scientific(plusSign: true)
        return (negative ? "-" : "") + magnitude
    }

    /// The usual JSON form: a double always shows a fraction or an exponent.
    var jsonText: String {
        let magnitude: String
        if digits.isEmpty {
            magnitude = "0.0"
        } else if (-4...16).contains(point) {
            magnitude = plain(fractionForIntegers: ".0")
        } else {
            magnitude = scientific(plusSign: false)
        }
        return (negative ? "-" : "") + magnitude
    }

    private func plain(fractionForIntegers: String) -> String {
        if point <= 0 { return "0." + String(repeating: "0", count: -point) + text(digits[...]) }
        if point >= digits.count {
            return text(digits[...]) + String(repeating: "0", count: point - digits.count) + fractionForIntegers
        }
        return text(digits[..<point]) + "." + text(digits[point...])
    }

    private func scientific(plusSign: Bool) -> String {
        let exponent = point - 1
        let mantissa = text(digits[..<1]) + (digits.count > 1 ? "." + text(digits[1...]) : "")
        return mantissa + "e" + (plusSign && exponent > 0 ? "+" : "") + String(exponent)
    }

    private func text(_ digits: ArraySlice<UInt8>) -> String {
        String(decoding: digits, as: UTF8.self)
    }
}
