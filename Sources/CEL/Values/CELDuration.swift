/// A length of time in whole nanoseconds, within about ±292 years.
public struct CELDuration: Sendable, Hashable, Comparable {
    /// The length in nanoseconds.
    public let nanoseconds: Int64

    static let nanosecondsPerSecond: Int64 = 1_000_000_000

    /// A duration of so many nanoseconds.
    public init(nanoseconds: Int64) { self.nanoseconds = nanoseconds }

    /// A duration of whole seconds; nil beyond the range.
    public init?(seconds: Int64) {
        let (product, overflow) = seconds.multipliedReportingOverflow(by: Self.nanosecondsPerSecond)
        guard !overflow else { return nil }
        nanoseconds = product
    }

    /// Whether one duration is shorter than another.
    public static func < (left: CELDuration, right: CELDuration) -> Bool { left.nanoseconds < right.nanoseconds }

    /// Seconds with the fraction that is there, and `s`: `6347s`, `-0.5s`.
    public var text: String {
        let magnitude = nanoseconds.magnitude
        let sign = nanoseconds < 0 ? "-" : ""
        return sign + "\(magnitude / 1_000_000_000)" + DecimalFraction.text(nanoseconds: magnitude % 1_000_000_000)
            + "s"
    }

    /// Reads `1h30m`, `-1.5s`, `250ms`, `0`: decimal numbers with the units h, m, s, ms, us (or µs), ns.
    /// - Throws: `CELError` (`invalid_argument`, or `overflow` beyond the range).
    public init(parsing text: String) throws(CELError) {
        var rest = Substring(text).unicodeScalars
        let isNegative = rest.first == "-"
        if isNegative || rest.first == "+" { rest.removeFirst() }
        if String(rest) == "0" {
            self.init(nanoseconds: 0)
            return
        }
        guard !rest.isEmpty else { throw Self.malformed(text) }
        var total: Int64 = 0
        while !rest.isEmpty {
            let part = try Self.component(&rest, in: text)
            // Summing negatives reaches Int64.min, which summing positives cannot.
            let (sum, overflow) = total.addingReportingOverflow(isNegative ? -part : part)
            guard !overflow else { throw Self.outOfRange(text) }
            total = sum
        }
        self.init(nanoseconds: total)
    }

    private static func component(
        _ rest: inout Substring.UnicodeScalarView, in text: String
    ) throws(CELError) -> Int64 {
        let whole = digits(&rest)
        var fraction = Substring.UnicodeScalarView()
        if rest.first == "." {
            rest.removeFirst()
            fraction = digits(&rest)
        }
        guard !whole.isEmpty || !fraction.isEmpty else { throw malformed(text) }
        let unitText = rest.prefix { $0 != "." && !("0"..."9").contains($0) }
        guard let unit = unit(named: String(unitText)) else { throw malformed(text) }
        rest = rest.dropFirst(unitText.count)
        guard let count = whole.isEmpty ? 0 : Int64(String(whole)) else { throw outOfRange(text) }
        let (product, overflow) = count.multipliedReportingOverflow(by: unit)
        var value = product
        var scale = unit / 10
        for digit in fraction where scale > 0 {
            value &+= Int64(digit.value - 48) * scale
            scale /= 10
        }
        guard !overflow, value >= 0 else { throw outOfRange(text) }
        return value
    }

    private static func digits(_ rest: inout Substring.UnicodeScalarView) -> Substring.UnicodeScalarView {
        let digits = rest.prefix { ("0"..."9").contains($0) }
        rest = rest.dropFirst(digits.count)
        return digits
    }

    private static func unit(named name: String) -> Int64? {
        switch name {
        case "h": 3_600_000_000_000
        case "m": 60_000_000_000
        case "s": nanosecondsPerSecond
        case "ms": 1_000_000
        case "us", "\u{B5}s", "\u{3BC}s": 1000
        case "ns": 1
        default: nil
        }
    }

    private static func malformed(_ text: String) -> CELError {
        CELError(.invalidArgument, "\"\(text.excerpt)\" is not a duration such as \"1h30m\" or \"10s\"")
    }

    private static func outOfRange(_ text: String) -> CELError {
        CELError(.overflow, "the duration \"\(text.excerpt)\" is out of range")
    }
}

/// Fractions of a second in decimal, without trailing zeros.
enum DecimalFraction {
    static func text(nanoseconds: UInt64) -> String {
        guard nanoseconds > 0 else { return "" }
        var digits = String(nanoseconds)
        digits = String(repeating: "0", count: Swift.max(0, 9 - digits.utf8.count)) + digits
        while digits.hasSuffix("0") { digits.removeLast() }
        return "." + digits
    }
}
