/// Doubles as text: the shortest digits that read back as the same number.
enum NumberText {
    static func text(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        let sign = value.sign == .minus ? "-" : ""
        if value == 0 { return sign + "0" }
        let (digits, exponent) = shortest(value.magnitude)
        if exponent < -4 || exponent >= 21 { return sign + scientific(digits, exponent) }
        return sign + plain(digits, exponent)
    }

    /// The significant digits and the power of ten of the first one.
    private static func shortest(_ value: Double) -> (digits: [UInt8], exponent: Int) {
        var mantissa = Array(value.description.utf8)
        var exponent = 0
        if let mark = mantissa.firstIndex(of: UInt8(ascii: "e")) {
            exponent = Int(String(decoding: mantissa[(mark + 1)...], as: UTF8.self)) ?? 0
            mantissa.removeSubrange(mark...)
        }
        let point = mantissa.firstIndex(of: UInt8(ascii: ".")) ?? mantissa.count
        if point < mantissa.count { mantissa.remove(at: point) }
        let zeros = mantissa.prefix { $0 == UInt8(ascii: "0") }.count
        mantissa.removeFirst(zeros)
        while mantissa.last == UInt8(ascii: "0") { mantissa.removeLast() }
        return (mantissa, exponent + point - 1 - zeros)
    }

    private static func scientific(_ digits: [UInt8], _ exponent: Int) -> String {
        var text = String(decoding: digits.prefix(1), as: UTF8.self)
        if digits.count > 1 { text += "." + String(decoding: digits.dropFirst(), as: UTF8.self) }
        let power = String(exponent.magnitude)
        return text + (exponent < 0 ? "e-" : "e+") + (power.utf8.count < 2 ? "0" : "") + power
    }

    private static func plain(_ digits: [UInt8], _ exponent: Int) -> String {
        let text = String(decoding: digits, as: UTF8.self)
        if exponent < 0 { return "0." + String(repeating: "0", count: -exponent - 1) + text }
        let whole = exponent + 1
        if digits.count <= whole { return text + String(repeating: "0", count: whole - digits.count) }
        return String(text.prefix(whole)) + "." + text.dropFirst(whole)
    }
}
