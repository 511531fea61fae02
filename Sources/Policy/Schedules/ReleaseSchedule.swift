import FoundationEssentials

/// When a release policy holds.
public struct ReleaseSchedule: Sendable, Hashable {
    /// The zone whose clock the windows are read on: `UTC`, an offset, or a name such as `Europe/Berlin`.
    public let timeZone: String
    /// The windows, one of which must be open; empty when only the bounds count.
    public let windows: [ScheduleWindow]
    /// The policy does not hold before.
    public let notBefore: Date?
    /// The policy does not hold from then on.
    public let notAfter: Date?
}

/// A part of some days of the week, on the clock on the wall.
public struct ScheduleWindow: Sendable, Hashable {
    /// The days on which the window begins.
    public let days: Set<Weekday>
    /// When it begins, in minutes after midnight.
    public let from: Int
    /// When it ends, in minutes after midnight and up to 1440; when that is not after `from`, on the day after.
    public let to: Int

    var crossesMidnight: Bool { to <= from }

    /// Whether the window is open at this minute of a day.
    func isOpen(_ minute: Int, on day: Weekday) -> Bool {
        guard crossesMidnight else { return days.contains(day) && (from..<to).contains(minute) }
        return (minute >= from && days.contains(day)) || (minute < to && days.contains(day.previous))
    }
}

/// A day of the week.
public enum Weekday: String, Sendable, Hashable, CaseIterable {
    /// Monday.
    case monday = "Mon"
    /// Tuesday.
    case tuesday = "Tue"
    /// Wednesday.
    case wednesday = "Wed"
    /// Thursday.
    case thursday = "Thu"
    /// Friday.
    case friday = "Fri"
    /// Saturday.
    case saturday = "Sat"
    /// Sunday.
    case sunday = "Sun"

    /// The weekday of a number of days since 1970-01-01, a Thursday.
    init(daysSinceEpoch days: Int64) {
        let place = Int(((days + 3) % 7 + 7) % 7)
        self = Self.allCases[place]
    }

    /// The day before.
    var previous: Weekday {
        switch self {
        case .monday: .sunday
        case .tuesday: .monday
        case .wednesday: .tuesday
        case .thursday: .wednesday
        case .friday: .thursday
        case .saturday: .friday
        case .sunday: .saturday
        }
    }
}

/// A time of day as `08:00` to `24:00`.
enum ClockTime {
    /// Minutes after midnight, or `nil` when the text is no such time.
    static func minutes(_ text: String) -> Int? {
        let bytes = Array(text.utf8)
        guard bytes.count == 5, bytes[2] == UInt8(ascii: ":") else { return nil }
        let digits = [bytes[0], bytes[1], bytes[3], bytes[4]].map { Int($0) - 0x30 }
        guard digits.allSatisfy((0...9).contains) else { return nil }
        let (hours, minutes) = (digits[0] * 10 + digits[1], digits[2] * 10 + digits[3])
        guard minutes < 60, hours < 24 || (hours == 24 && minutes == 0) else { return nil }
        return hours * 60 + minutes
    }

    static func text(_ minutes: Int) -> String {
        func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
        return "\(two(minutes / 60)):\(two(minutes % 60))"
    }
}
