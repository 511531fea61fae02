/// Floating-point numbers in the three widths of CBOR (RFC 8949 section 3.3).
enum CBORFloat {
    /// The number of a half-precision bit pattern (IEEE 754 binary16). Swift has no such type on every platform.
    static func half(_ bits: UInt16) -> Double {
        let sign: Double = bits & 0x8000 == 0 ? 1 : -1
        let fraction = Double(bits & 0x3ff)
        switch bits >> 10 & 0x1f {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        case let exponent: return sign * Double(sign: .plus, exponent: Int(exponent) - 25, significand: 1024 + fraction)
        }
    }

    /// The half-precision bit pattern of a number, `nil` when it would lose something.
    static func half(_ number: Double) -> UInt16? {
        let sign: UInt16 = number.sign == .minus ? 0x8000 : 0
        if number.isNaN { return 0x7e00 }
        if number.isInfinite { return sign | 0x7c00 }
        let magnitude = number.magnitude
        if magnitude == 0 { return sign }
        if magnitude < 0x1p-14 {
            return UInt16(exactly: magnitude * 0x1p24).map { sign | $0 }
        }
        guard magnitude <= 65_504 else { return nil }
        let exponent = Int(magnitude.exponent)
        guard let significand = UInt16(exactly: (magnitude.significand - 1) * 1024) else { return nil }
        return sign | UInt16(exponent + 15) << 10 | significand
    }

    /// The additional information of the shortest head that keeps the number: 25, 26 or 27.
    static func information(of number: Double) -> Int {
        if half(number) != nil { return 25 }
        return Double(Float(number)) == number ? 26 : 27
    }
}
