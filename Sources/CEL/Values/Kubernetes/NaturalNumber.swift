/// A natural number of any size, in limbs of nine decimal digits.
struct NaturalNumber: Sendable, Hashable {
    static let limb: UInt64 = 1_000_000_000

    /// Least significant first, without leading zeros.
    private(set) var limbs: [UInt64] = []

    init() {}

    init(_ value: UInt64) {
        var rest = value
        while rest > 0 {
            limbs.append(rest % Self.limb)
            rest /= Self.limb
        }
    }

    var isZero: Bool { limbs.isEmpty }

    /// The value, when it fits.
    var uint64: UInt64? {
        var value: UInt64 = 0
        for limb in limbs.reversed() {
            let (product, isOver) = value.multipliedReportingOverflow(by: Self.limb)
            let (sum, carries) = product.addingReportingOverflow(limb)
            guard !isOver, !carries else { return nil }
            value = sum
        }
        return value
    }

    /// - Parameter factor: at most a limb.
    mutating func multiply(by factor: UInt64, adding summand: UInt64 = 0) {
        var carry = summand
        for index in limbs.indices {
            let product = limbs[index] * factor + carry
            limbs[index] = product % Self.limb
            carry = product / Self.limb
        }
        if carry > 0 { limbs.append(carry) }
    }

    /// Divides by ten so many times; whether anything was cut off.
    mutating func dropDigits(_ count: Int) -> Bool {
        var isInexact = false
        for _ in 0..<count where !limbs.isEmpty {
            var remainder: UInt64 = 0
            for index in limbs.indices.reversed() {
                let value = remainder * Self.limb + limbs[index]
                limbs[index] = value / 10
                remainder = value % 10
            }
            isInexact = isInexact || remainder > 0
            trim()
        }
        return isInexact
    }

    static func + (left: NaturalNumber, right: NaturalNumber) -> NaturalNumber {
        var sum = NaturalNumber()
        var carry: UInt64 = 0
        for index in 0..<Swift.max(left.limbs.count, right.limbs.count) {
            let value = left.limb(index) + right.limb(index) + carry
            sum.limbs.append(value % limb)
            carry = value / limb
        }
        if carry > 0 { sum.limbs.append(carry) }
        return sum
    }

    /// The distance between two numbers.
    static func distance(_ left: NaturalNumber, _ right: NaturalNumber) -> NaturalNumber {
        let (larger, smaller) = left < right ? (right, left) : (left, right)
        var difference = NaturalNumber()
        var borrow: UInt64 = 0
        for index in larger.limbs.indices {
            let taken = smaller.limb(index) + borrow
            borrow = larger.limbs[index] < taken ? 1 : 0
            difference.limbs.append(larger.limbs[index] + borrow * limb - taken)
        }
        difference.trim()
        return difference
    }

    private func limb(_ index: Int) -> UInt64 { index < limbs.count ? limbs[index] : 0 }

    private mutating func trim() { while limbs.last == 0 { limbs.removeLast() } }
}

extension NaturalNumber: Comparable {
    static func < (left: NaturalNumber, right: NaturalNumber) -> Bool {
        guard left.limbs.count == right.limbs.count else { return left.limbs.count < right.limbs.count }
        return left.limbs.reversed().lexicographicallyPrecedes(right.limbs.reversed())
    }
}
