/// A point in time from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z.
public struct CELTimestamp: Sendable, Hashable, Comparable {
    /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
    public let seconds: Int64
    /// Nanoseconds after that second, 0 to 999,999,999.
    public let nanoseconds: Int32

    private static let range: ClosedRange<Int64> = -62_135_596_800...253_402_300_799

    /// A point in time.
    /// - Throws: `CELError` (`overflow`) outside the years 1 to 9999.
    public init(seconds: Int64, nanoseconds: Int32 = 0) throws(CELError) {
        guard Self.range.contains(seconds), (0..<1_000_000_000).contains(nanoseconds) else {
            throw CELError(.overflow, "the timestamp is outside the years 1 to 9999")
        }
        self.seconds = seconds
        self.nanoseconds = nanoseconds
    }

    /// Whether one point in time is earlier than another.
    public static func < (left: CELTimestamp, right: CELTimestamp) -> Bool {
        (left.seconds, left.nanoseconds) < (right.seconds, right.nanoseconds)
    }

    func adding(_ duration: CELDuration) throws(CELError) -> CELTimestamp {
        let billion = CELDuration.nanosecondsPerSecond
        let (whole, rest) = duration.nanoseconds.quotientAndRemainder(dividingBy: billion)
        let nanos = Int64(nanoseconds) + rest
        let carry: Int64 = nanos < 0 ? -1 : (nanos >= billion ? 1 : 0)
        return try CELTimestamp(seconds: seconds + whole + carry, nanoseconds: Int32(nanos - carry * billion))
    }

    func subtracting(_ duration: CELDuration) throws(CELError) -> CELTimestamp {
        // The most negative duration has no negation: take it in two steps.
        guard duration.nanoseconds == .min else {
            return try adding(CELDuration(nanoseconds: -duration.nanoseconds))
        }
        return try adding(CELDuration(nanoseconds: .max)).adding(CELDuration(nanoseconds: 1))
    }

    func distance(from other: CELTimestamp) throws(CELError) -> CELDuration {
        let (whole, overflow) = (seconds - other.seconds).multipliedReportingOverflow(
            by: CELDuration.nanosecondsPerSecond)
        let (total, carry) = whole.addingReportingOverflow(Int64(nanoseconds) - Int64(other.nanoseconds))
        guard !overflow, !carry else { throw CELError(.overflow, "the time between the two is out of range") }
        return CELDuration(nanoseconds: total)
    }

    /// RFC 3339 in UTC with the fraction that is there: `2009-02-13T23:31:30.5Z`.
    public var text: String {
        let time = CivilTime(secondsSinceEpoch: seconds)
        let date = Self.padded(time.year, 4) + "-" + Self.padded(time.month, 2) + "-" + Self.padded(time.day, 2)
        let clock =
            Self.padded(time.hour, 2) + ":" + Self.padded(time.minute, 2) + ":" + Self.padded(time.second, 2)
        return date + "T" + clock + DecimalFraction.text(nanoseconds: UInt64(nanoseconds)) + "Z"
    }

    private static func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: Swift.max(0, width - digits.utf8.count)) + digits
    }
}

extension CELTimestamp {
    /// Reads RFC 3339 (section 5.6), such as `2009-02-13T23:31:30.25+01:00`, with at most nine digits of fraction.
    /// - Throws: `CELError` (`invalid_argument`, or `overflow` outside the years 1 to 9999).
    public init(parsing text: String) throws(CELError) {
        var reader = RFC3339Reader(text)
        guard let fields = reader.read() else {
            throw CELError(.invalidArgument, "\"\(text.excerpt)\" is not a timestamp of RFC 3339")
        }
        let days = CivilTime.days(year: fields.year, month: fields.month, day: fields.day)
        let local = Int64(days) * 86_400 + Int64(fields.hour * 3600 + fields.minute * 60 + fields.second)
        try self.init(seconds: local - Int64(fields.offset), nanoseconds: Int32(fields.nanoseconds))
    }
}

private struct RFC3339Reader {
    struct Fields {
        var year = 0
        var month = 0
        var day = 0
        var hour = 0
        var minute = 0
        var second = 0
        var nanoseconds = 0
        /// Seconds east of UTC.
        var offset = 0
    }

    private var rest: ArraySlice<UInt8>

    init(_ text: String) { rest = Array(text.utf8)[...] }

    mutating func read() -> Fields? {
        var fields = Fields()
        guard let year = number(4), accept("-"), let month = number(2), accept("-"), let day = number(2), accept("T"),
            let hour = number(2), accept(":"), let minute = number(2), accept(":"), let second = number(2)
        else { return nil }
        (fields.year, fields.month, fields.day) = (year, month, day)
        (fields.hour, fields.minute, fields.second) = (hour, minute, second)
        guard let nanoseconds = fraction(), let offset = zone(), rest.isEmpty else { return nil }
        (fields.nanoseconds, fields.offset) = (nanoseconds, offset)
        guard (1...12).contains(month), (1...CivilTime.days(inMonth: month, of: year)).contains(day),
            hour < 24, minute < 60, second < 60
        else { return nil }
        return fields
    }

    private mutating func fraction() -> Int? {
        guard accept(".") else { return 0 }
        var value = 0
        var digits = 0
        while let byte = rest.first, (48...57).contains(byte) {
            guard digits < 9 else { return nil }
            value = value * 10 + Int(byte - 48)
            digits += 1
            rest.removeFirst()
        }
        guard digits > 0 else { return nil }
        for _ in digits..<9 { value *= 10 }
        return value
    }

    private mutating func zone() -> Int? {
        if accept("Z") { return 0 }
        let sign = accept("+") ? 1 : (accept("-") ? -1 : 0)
        guard sign != 0, let hours = number(2), hours < 24, accept(":"), let minutes = number(2), minutes < 60 else {
            return nil
        }
        return sign * (hours * 3600 + minutes * 60)
    }

    private mutating func number(_ width: Int) -> Int? {
        guard rest.count >= width else { return nil }
        var value = 0
        for _ in 0..<width {
            guard let byte = rest.popFirst(), (48...57).contains(byte) else { return nil }
            value = value * 10 + Int(byte - 48)
        }
        return value
    }

    private mutating func accept(_ character: Character) -> Bool {
        guard let byte = rest.first, byte == character.asciiValue else { return false }
        rest.removeFirst()
        return true
    }
}
