/// Simple case folding: which code points are the same letter when case is ignored.
enum CaseFolding {
    /// Code points outside the set that fold together with one inside it.
    static func partners(of set: ScalarSet) -> [ClosedRange<UInt32>] {
        var found: [ClosedRange<UInt32>] = []
        if let last = set.ranges.last, last.upperBound < 128 {
            for range in set.ranges {
                for scalar in range { found += asciiPartners(of: scalar).map { $0...$0 } }
            }
            return found
        }
        let size = set.ranges.reduce(0) { $0 + Int($1.upperBound - $1.lowerBound) + 1 }
        guard set.categories.isEmpty, size <= smallSet else {
            for group in groups {
                let outside = group.filter { !set.contains($0) }
                if outside.count < group.count { found += outside.map { $0...$0 } }
            }
            return found
        }
        for range in set.ranges {
            for scalar in range { found += (orbits[scalar] ?? []).map { $0...$0 } }
        }
        return found
    }

    /// Spelled out so that patterns in ASCII never build the whole table.
    private static func asciiPartners(of scalar: UInt32) -> [UInt32] {
        guard (65...90).contains(scalar) || (97...122).contains(scalar) else { return [] }
        let other = scalar ^ 0x20
        switch scalar | 0x20 {
        case 0x6B: return [other, 0x212A]  // K and the Kelvin sign
        case 0x73: return [other, 0x17F]  // S and the long s
        default: return [other]
        }
    }

    /// Up to this many members are looked up one by one; beyond, all the groups are walked over.
    private static let smallSet = 256

    /// Code points that share one folded form; letters with case end below U+1E944.
    private static let groups: [[UInt32]] = {
        var groups: [UInt32: [UInt32]] = [:]
        for value in UInt32(0)...0x1E943 {
            guard let scalar = Unicode.Scalar(value), let key = folded(scalar) else { continue }
            groups[key, default: []].append(value)
        }
        return groups.values.filter { $0.count > 1 }
    }()

    /// The group of each code point that has one.
    private static let orbits: [UInt32: [UInt32]] = groups.reduce(into: [:]) { orbits, group in
        for member in group { orbits[member] = group }
    }

    private static func folded(_ scalar: Unicode.Scalar) -> UInt32? {
        guard scalar.properties.isCased else { return nil }
        let upper = single(scalar.properties.uppercaseMapping) ?? scalar
        return (single(upper.properties.lowercaseMapping) ?? upper).value
    }

    private static func single(_ mapping: String) -> Unicode.Scalar? {
        let scalars = mapping.unicodeScalars
        guard let first = scalars.first, scalars.count == 1 else { return nil }
        return first
    }
}
