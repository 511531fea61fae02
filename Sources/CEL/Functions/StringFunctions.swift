/// The standard functions on strings.
enum StringFunctions {
    static let functions: [NativeFunction] = [
        .receiver("contains", 2...2, contains), .receiver("startsWith", 2...2, startsWith),
        .receiver("endsWith", 2...2, endsWith), .receiver("matches", 2...2, matches),
        .global("matches", 2...2, matches),
    ]

    @Sendable private static func contains(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let (text, part) = try two(arguments, "contains")
        try meter.charge(bytes: text.utf8.count)
        return .bool(ByteSearch.first(Array(part.utf8), in: Array(text.utf8)) != nil)
    }

    @Sendable private static func startsWith(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let (text, prefix) = try two(arguments, "startsWith")
        try meter.charge(bytes: prefix.utf8.count)
        return .bool(text.utf8.starts(with: prefix.utf8))
    }

    @Sendable private static func endsWith(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let (text, suffix) = try two(arguments, "endsWith")
        try meter.charge(bytes: suffix.utf8.count)
        return .bool(text.utf8.suffix(suffix.utf8.count).elementsEqual(suffix.utf8))
    }

    @Sendable private static func matches(
        _ arguments: [CELValue], _ meter: inout CostMeter
    ) throws(CELError) -> CELValue {
        let (text, pattern) = try two(arguments, "matches")
        return .bool(try CompiledPattern(pattern, &meter).matches(text, &meter))
    }

    private static func two(_ arguments: [CELValue], _ name: String) throws(CELError) -> (String, String) {
        guard case .string(let first) = arguments[0], case .string(let second) = arguments[1] else {
            throw CELError.noSuchOverload(name, arguments)
        }
        return (first, second)
    }
}

/// Finding a sequence in another in linear time (Knuth, Morris and Pratt).
enum ByteSearch {
    static func first<T: Equatable>(_ needle: [T], in haystack: [T], from start: Int = 0) -> Int? {
        guard !needle.isEmpty else { return start <= haystack.count ? start : nil }
        let borders = borders(of: needle)
        var matched = 0
        for position in Swift.min(start, haystack.count)..<haystack.count {
            while matched > 0, haystack[position] != needle[matched] { matched = borders[matched - 1] }
            if haystack[position] == needle[matched] { matched += 1 }
            if matched == needle.count { return position - matched + 1 }
        }
        return nil
    }

    private static func borders<T: Equatable>(of needle: [T]) -> [Int] {
        var borders = Array(repeating: 0, count: needle.count)
        var length = 0
        for position in needle.indices.dropFirst() {
            while length > 0, needle[position] != needle[length] { length = borders[length - 1] }
            if needle[position] == needle[length] { length += 1 }
            borders[position] = length
        }
        return borders
    }
}
