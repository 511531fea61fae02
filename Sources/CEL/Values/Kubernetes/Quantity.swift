/// A quantity of a resource as Kubernetes writes it: `1.5Gi`, `200m`, `3e6`.
struct Quantity: Sendable, CELOpaqueValue {
    private let isNegative: Bool
    /// Kubernetes keeps quantities to the nano, so that the lowest limb is just the fraction.
    private let nanos: NaturalNumber

    private static let nanoDigits = 9
    /// Beyond this an exponent asks for memory, not for a quantity.
    private static let maximumExponent = 200
    private static let maximumLength = 128
    /// Where Kubernetes caps quantities with a binary suffix.
    private static let binaryCap = Quantity(Int64.max)

    private init(isNegative: Bool, nanos: NaturalNumber) {
        self.isNegative = isNegative && !nanos.isZero
        self.nanos = nanos
    }

    init(_ value: Int64) {
        var nanos = NaturalNumber(value.magnitude)
        nanos.multiply(by: NaturalNumber.limb)
        self.init(isNegative: value < 0, nanos: nanos)
    }

    // MARK: reading

    private enum Scale {
        case decimal(Int)
        /// A power of 1024.
        case binary(Int)
    }

    /// Nil when the text is no quantity: sign, digits with or without a fraction, and a suffix or exponent. What is
    /// finer than a nano is rounded away from zero.
    init?(_ text: String) {
        guard text.utf8.count <= Self.maximumLength else { return nil }
        var rest = Array(text.utf8)[...]
        let isNegative = rest.first == UInt8(ascii: "-")
        if isNegative || rest.first == UInt8(ascii: "+") { rest.removeFirst() }
        let whole = Self.digits(&rest)
        var fraction: ArraySlice<UInt8> = []
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            fraction = Self.digits(&rest)
        }
        // Swift takes the Kelvin sign for a K.
        guard !whole.isEmpty || !fraction.isEmpty, rest.allSatisfy({ $0 < 0x80 }),
            let scale = Self.scale(String(decoding: rest, as: UTF8.self))
        else {
            return nil
        }
        var magnitude = NaturalNumber()
        for digit in whole + fraction {
            magnitude.multiply(by: 10, adding: UInt64(digit - 48))
        }
        var shift = Self.nanoDigits - fraction.count
        switch scale {
        case .decimal(let exponent): shift += exponent
        case .binary(let power): for _ in 0..<power { magnitude.multiply(by: 1024) }
        }
        for _ in 0..<Swift.max(shift, 0) { magnitude.multiply(by: 10) }
        if magnitude.dropDigits(Swift.max(-shift, 0)) { magnitude = magnitude + NaturalNumber(1) }
        if case .binary = scale { magnitude = Swift.min(magnitude, Self.binaryCap.nanos) }
        self.init(isNegative: isNegative, nanos: magnitude)
    }

    private static func digits(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        let digits = rest.prefix { (48...57).contains($0) }
        rest = rest.dropFirst(digits.count)
        return digits
    }

    private static func scale(_ suffix: String) -> Scale? {
        switch suffix {
        case "n": return .decimal(-9)
        case "u": return .decimal(-6)
        case "m": return .decimal(-3)
        case "": return .decimal(0)
        case "k": return .decimal(3)
        case "M": return .decimal(6)
        case "G": return .decimal(9)
        case "T": return .decimal(12)
        case "P": return .decimal(15)
        case "E": return .decimal(18)
        case "Ki": return .binary(1)
        case "Mi": return .binary(2)
        case "Gi": return .binary(3)
        case "Ti": return .binary(4)
        case "Pi": return .binary(5)
        case "Ei": return .binary(6)
        default:
            guard suffix.first == "e" || suffix.first == "E", let exponent = Int(suffix.dropFirst()),
                (-maximumExponent...maximumExponent).contains(exponent)
            else { return nil }
            return .decimal(exponent)
        }
    }

    // MARK: numbers

    var sign: Int64 { nanos.isZero ? 0 : (isNegative ? -1 : 1) }

    /// The value, when it is whole and fits.
    var int64: Int64? {
        guard nanos.limbs.first ?? 0 == 0 else { return nil }
        var whole = nanos
        _ = whole.dropDigits(Self.nanoDigits)
        guard let magnitude = whole.uint64 else { return nil }
        return isNegative ? Int64(exactly: -Int128(magnitude)) : Int64(exactly: magnitude)
    }

    /// The nearest double.
    var double: Double { Double(text) ?? .nan }

    var negated: Quantity { Quantity(isNegative: !isNegative, nanos: nanos) }

    /// In bytes.
    var size: Int { nanos.limbs.count * MemoryLayout<UInt64>.size }

    static func + (left: Quantity, right: Quantity) -> Quantity {
        guard left.isNegative != right.isNegative else {
            return Quantity(isNegative: left.isNegative, nanos: left.nanos + right.nanos)
        }
        return Quantity(
            isNegative: left.nanos < right.nanos ? right.isNegative : left.isNegative,
            nanos: NaturalNumber.distance(left.nanos, right.nanos))
    }

    func order(_ other: Quantity) -> Int64 {
        guard isNegative == other.isNegative else { return isNegative ? -1 : 1 }
        guard nanos != other.nanos else { return 0 }
        return (nanos < other.nanos) != isNegative ? -1 : 1
    }

    // MARK: as a value of the language

    var typeName: String { "kubernetes.Quantity" }

    /// The plain decimal number.
    var text: String {
        var digits = ""
        for (index, limb) in nanos.limbs.dropFirst().reversed().enumerated() {
            let part = String(limb)
            digits += (index == 0 ? "" : String(repeating: "0", count: 9 - part.utf8.count)) + part
        }
        let sign = isNegative ? "-" : ""
        return sign + (digits.isEmpty ? "0" : digits) + DecimalFraction.text(nanoseconds: nanos.limbs.first ?? 0)
    }

    func isEqual(to other: any CELOpaqueValue) -> Bool { (other as? Quantity).map { order($0) == 0 } ?? false }
}
