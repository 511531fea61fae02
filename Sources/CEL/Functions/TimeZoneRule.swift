/// A rule such as `AEST-10AEDT,M10.1.0,M4.1.0/3`: a standard offset and, in some zones, summer time between two dates
/// of every year (POSIX `TZ`, as RFC 8536 section 3.3 uses it).
struct TimeZoneRule: Sendable {
    private struct Change {
        let month: Int
        let week: Int
        let weekday: Int
        let seconds: Int64

        /// When the change happens in a year, on the local clock.
        func moment(in year: Int) -> Int64 {
            let first = CivilTime.days(year: year, month: month, day: 1)
            let firstWeekday = ((first + 4) % 7 + 7) % 7
            var day = (weekday - firstWeekday + 7) % 7 + 7 * (week - 1)
            while day >= CivilTime.days(inMonth: month, of: year) { day -= 7 }
            return Int64(first + day) * 86_400 + seconds
        }
    }

    private let standard: Int64
    private let summer: Int64
    private let changes: (start: Change, end: Change)?

    /// Nil when the text is no rule of the form with months and weeks.
    init?(_ text: String) {
        var reader = Reader(text)
        guard reader.skipName(), let west = reader.time() else { return nil }
        standard = -west
        guard !reader.isAtEnd else {
            summer = standard
            changes = nil
            return
        }
        guard reader.skipName() else { return nil }
        summer = reader.isAt(",") ? standard + 3600 : -(reader.time() ?? 0)
        guard let start = reader.change(), let end = reader.change(), reader.isAtEnd else { return nil }
        changes = (start, end)
    }

    func offset(at seconds: Int64) -> Int64 {
        guard let changes else { return standard }
        let year = CivilTime(secondsSinceEpoch: seconds + standard).year
        let start = changes.start.moment(in: year) - standard
        let end = changes.end.moment(in: year) - summer
        let isSummer = start < end ? (start..<end).contains(seconds) : !(end..<start).contains(seconds)
        return isSummer ? summer : standard
    }

    private struct Reader {
        private var rest: Substring

        init(_ text: String) { rest = text[...] }

        var isAtEnd: Bool { rest.isEmpty }
        func isAt(_ character: Character) -> Bool { rest.first == character }

        mutating func skipName() -> Bool {
            if accept("<") {
                rest = rest.drop { $0 != ">" }
                return accept(">")
            }
            let name = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(name.count)
            return name.count >= 3
        }

        /// `[+-]hh[:mm[:ss]]` in seconds.
        mutating func time() -> Int64? {
            let sign: Int64 = accept("-") ? -1 : 1
            _ = accept("+")
            guard let hours = number() else { return nil }
            let minutes = accept(":") ? number() ?? 0 : 0
            let seconds = accept(":") ? number() ?? 0 : 0
            return sign * (hours * 3600 + minutes * 60 + seconds)
        }

        /// `,Mm.w.d[/time]`
        mutating func change() -> Change? {
            guard accept(","), accept("M"), let month = number(), (1...12).contains(month), accept("."),
                let week = number(), (1...5).contains(week), accept("."), let weekday = number(),
                (0...6).contains(weekday)
            else { return nil }
            let seconds = accept("/") ? time() : 7200
            guard let seconds else { return nil }
            return Change(month: Int(month), week: Int(week), weekday: Int(weekday), seconds: seconds)
        }

        private mutating func number() -> Int64? {
            let digits = rest.prefix { $0.isASCII && $0.isNumber }
            guard digits.count <= 3 else { return nil }
            rest = rest.dropFirst(digits.count)
            return Int64(digits)
        }

        private mutating func accept(_ character: Character) -> Bool {
            guard rest.first == character else { return false }
            rest.removeFirst()
            return true
        }
    }
}
