/// A set of Unicode code points: ranges, general categories, and a negation over both.
struct ScalarSet: Sendable {
    private(set) var ranges: [ClosedRange<UInt32>]
    private(set) var categories: GeneralCategoryMask
    private(set) var isNegated: Bool
    /// The answers for code points 0 to 127, which are most of what is ever asked.
    private var lowBits: UInt64 = 0
    private var highBits: UInt64 = 0

    init(_ ranges: [ClosedRange<UInt32>], categories: GeneralCategoryMask = .none, negated: Bool = false) {
        self.ranges = Self.merged(ranges)
        self.categories = categories
        self.isNegated = negated
        for range in self.ranges where range.lowerBound < 128 {
            for scalar in range.lowerBound...min(range.upperBound, 127) { insertBit(scalar) }
        }
        if !categories.isEmpty {
            for scalar in UInt32(0)..<128 where categories.contains(scalar) { insertBit(scalar) }
        }
        if negated { (lowBits, highBits) = (~lowBits, ~highBits) }
    }

    private mutating func insertBit(_ scalar: UInt32) {
        if scalar < 64 { lowBits |= 1 << UInt64(scalar) } else { highBits |= 1 << UInt64(scalar - 64) }
    }

    static let all = ScalarSet([0...0x10FFFF])
    static let allButNewline = ScalarSet([0...9, 11...0x10FFFF])
    static let digit = ScalarSet([48...57])
    static let space = ScalarSet([9...10, 12...13, 32...32])
    static let word = ScalarSet([48...57, 65...90, 95...95, 97...122])

    var negated: ScalarSet { ScalarSet(ranges, categories: categories, negated: !isNegated) }

    func contains(_ scalar: UInt32) -> Bool {
        if scalar < 64 { return lowBits & (1 << UInt64(scalar)) != 0 }
        if scalar < 128 { return highBits & (1 << UInt64(scalar - 64)) != 0 }
        return search(scalar)
    }

    private func search(_ scalar: UInt32) -> Bool {
        var low = 0
        var high = ranges.count
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].upperBound < scalar { low = middle + 1 } else { high = middle }
        }
        let isListed = low < ranges.count && ranges[low].contains(scalar)
        return (isListed || categories.contains(scalar)) != isNegated
    }

    /// The set with the ranges of another added; a negated one is spelled out as ranges first.
    func union(_ other: ScalarSet) -> ScalarSet {
        let (mine, theirs) = (positive, other.positive)
        return ScalarSet(mine.ranges + theirs.ranges, categories: mine.categories.union(theirs.categories))
    }

    private var positive: ScalarSet {
        guard isNegated else { return self }
        guard categories.isEmpty else {
            // Only a lone \P{..} or [^..] carries a negated mask, and its complement is again a mask.
            return ScalarSet([], categories: categories.complement)
        }
        var gaps: [ClosedRange<UInt32>] = []
        var next: UInt32 = 0
        for range in ranges {
            if range.lowerBound > next { gaps.append(next...(range.lowerBound - 1)) }
            next = range.upperBound + 1
        }
        if next <= 0x10FFFF { gaps.append(next...0x10FFFF) }
        return ScalarSet(gaps)
    }

    /// The set with every code point that equals a member when case is ignored (simple folding).
    var caseFolded: ScalarSet {
        let set = positive
        return ScalarSet(
            set.ranges + CaseFolding.partners(of: set), categories: set.categories.ignoringCase)
    }

    private static func merged(_ ranges: [ClosedRange<UInt32>]) -> [ClosedRange<UInt32>] {
        var result: [ClosedRange<UInt32>] = []
        for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
            if let last = result.last, range.lowerBound <= last.upperBound + 1 {
                result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
            } else {
                result.append(range)
            }
        }
        return result
    }
}
