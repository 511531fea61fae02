import CEL
import FoundationEssentials

/// Looks at a schedule at one point in time.
///
/// A window is open while the clock on the wall shows a time within it. When clocks are put forward, times that they skip do
/// not occur; when they are put back, times that they show twice are in the window both times.
struct ScheduleEvaluation {
    let schedule: ReleaseSchedule
    let now: Date

    /// How far ahead the next opening is looked for: every window comes once within a week, and the day may be cut by a
    /// change of clocks.
    private static let daysAhead = 8

    func condition() -> ConditionTrace {
        do throws(CELError) {
            let second = Int64(now.timeIntervalSince1970.clamped(to: -1e11...1e11).rounded(.down))
            let local = try LocalTime(second, in: schedule.timeZone)
            let isOpen = isWithinBounds(second) && isOpen(local)
            return ConditionTrace(
                path: "spec.schedule", required: required, measured: [MeasuredValue(name: "now", value: text(local))],
                outcome: isOpen ? .met : .notMet, reason: isOpen ? nil : .outsideSchedule,
                message: isOpen ? nil : try refusal(at: second))
        } catch {
            return ConditionTrace(
                path: "spec.schedule", required: required, measured: [], outcome: .error, reason: .outsideSchedule,
                message: "The time zone '\(schedule.timeZone)' is not known to this broker.")
        }
    }

    private var required: String {
        var parts = schedule.windows.map { window in
            let days = Weekday.allCases.filter(window.days.contains).map(\.rawValue).joined(separator: ", ")
            return "\(days) \(ClockTime.text(window.from)) to \(ClockTime.text(window.to))"
        }
        if !parts.isEmpty { parts = ["within \(parts.joined(separator: " or ")) (\(schedule.timeZone))"] }
        if let start = schedule.notBefore { parts.append("not before \(TimestampText.text(start))") }
        if let end = schedule.notAfter { parts.append("before \(TimestampText.text(end))") }
        return parts.joined(separator: ", ")
    }

    private func text(_ local: LocalTime) -> String {
        "\(TimestampText.text(now)) (\(local.day.rawValue) \(ClockTime.text(local.minute)) \(schedule.timeZone))"
    }

    private func isWithinBounds(_ second: Int64) -> Bool {
        let time = TimeInterval(second)
        if let start = schedule.notBefore, time < start.timeIntervalSince1970 { return false }
        if let end = schedule.notAfter, time >= end.timeIntervalSince1970 { return false }
        return true
    }

    private func isOpen(_ local: LocalTime) -> Bool {
        schedule.windows.isEmpty || schedule.windows.contains { $0.isOpen(local.minute, on: local.day) }
    }

    private func refusal(at second: Int64) throws(CELError) -> String {
        guard let opening = try nextOpening(after: second) else {
            return "The policy's schedule has ended; it does not open again."
        }
        let local = try LocalTime(opening, in: schedule.timeZone)
        let time = TimestampText.text(Date(timeIntervalSince1970: TimeInterval(opening)))
        return "It is outside the policy's schedule, which opens next at \(time) "
            + "(\(local.day.rawValue) \(ClockTime.text(local.minute)) \(schedule.timeZone))."
    }

    /// The first moment after `second` that is within the schedule, or `nil` when there is none.
    func nextOpening(after second: Int64) throws(CELError) -> Int64? {
        let start = max(second, Int64((schedule.notBefore?.timeIntervalSince1970 ?? -1e11).rounded(.up)))
        var found: Int64?
        if try isOpen(LocalTime(start, in: schedule.timeZone)) { found = start }
        for candidate in try beginnings(after: start) where candidate > start && candidate < found ?? .max {
            if try isOpen(LocalTime(candidate, in: schedule.timeZone)) { found = candidate }
        }
        return found.flatMap { isWithinBounds($0) ? $0 : nil }
    }

    /// When windows begin in the days after `start`. Around a change of clocks both offsets are tried, and the moment of
    /// the change itself, which opens a window whose beginning it skips.
    private func beginnings(after start: Int64) throws(CELError) -> [Int64] {
        var result: [Int64] = []
        let today = try LocalTime(start, in: schedule.timeZone).dayNumber
        for day in today...(today + Int64(Self.daysAhead)) {
            for window in schedule.windows {
                let local = day * 86_400 + Int64(window.from) * 60
                let before = try TimeZoneOffset.seconds(of: schedule.timeZone, at: local - 129_600)
                let after = try TimeZoneOffset.seconds(of: schedule.timeZone, at: local + 129_600)
                result += [local - before, local - after]
                if after > before { result.append(try change(from: before, around: local)) }
            }
        }
        return result
    }

    /// When the offset ceases to be `before` in the three days around a local time.
    private func change(from before: Int64, around local: Int64) throws(CELError) -> Int64 {
        var (low, high) = (local - 129_600, local + 129_600)
        while high - low > 1 {
            let middle = low + (high - low) / 2
            if try TimeZoneOffset.seconds(of: schedule.timeZone, at: middle) == before {
                low = middle
            } else {
                high = middle
            }
        }
        return high
    }
}

/// What the clock on the wall of a zone shows.
private struct LocalTime {
    /// Days since 1970-01-01.
    let dayNumber: Int64
    /// Minutes after midnight.
    let minute: Int

    var day: Weekday { Weekday(daysSinceEpoch: dayNumber) }

    init(_ second: Int64, in zone: String) throws(CELError) {
        let local = second + (try TimeZoneOffset.seconds(of: zone, at: second))
        let secondOfDay = ((local % 86_400) + 86_400) % 86_400
        dayNumber = (local - secondOfDay) / 86_400
        minute = Int(secondOfDay / 60)
    }
}
