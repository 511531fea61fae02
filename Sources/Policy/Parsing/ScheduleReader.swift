import CEL
import FoundationEssentials

/// Reads `spec.schedule` of a release policy.
struct ScheduleReader {
    private let field: Field

    init(_ field: Field) {
        self.field = field
    }

    func read() -> ReleaseSchedule? {
        let fields = ["timezone", "windows", "notBefore", "notAfter"]
        guard let object = ObjectReader(field, fields: fields) else { return nil }
        let zone = object["timezone"].map(readZone) ?? "UTC"
        let windows = object["windows"].map { ($0.items(maximum: 64) ?? []).compactMap(readWindow) } ?? []
        let start = object["notBefore"].flatMap(readTime)
        let end = object["notAfter"].flatMap(readTime)
        if let start, let end, start >= end {
            object["notAfter"]?.report("invalid_value", "The schedule ends before it begins.")
        }
        if object["windows"] == nil, object["notBefore"] == nil, object["notAfter"] == nil {
            field.report(
                "invalid_value", "The schedule says nothing.", hint: "give windows, notBefore or notAfter, or remove it"
            )
        }
        guard let zone else { return nil }
        return ReleaseSchedule(timeZone: zone, windows: windows, notBefore: start, notAfter: end)
    }

    private func readZone(_ field: Field) -> String? {
        guard let text = field.text(maximum: 64) else { return nil }
        if (try? TimeZoneOffset.seconds(of: text, at: 0)) != nil { return text }
        field.report(
            "invalid_value", "The time zone '\(text)' is not known.",
            hint: "write UTC, an offset such as +02:00, or a name such as Europe/Berlin")
        return nil
    }

    private func readWindow(_ field: Field) -> ScheduleWindow? {
        guard let object = ObjectReader(field, fields: ["days", "from", "to"]) else { return nil }
        let days = object["days"].map { Set(($0.items(maximum: 7) ?? []).compactMap { $0.word(Weekday.self) }) }
        let from = object.required("from").flatMap(readClock)
        let to = object.required("to").flatMap(readClock)
        guard let from, let to else { return nil }
        guard from != to, from < 1440 else {
            field.report(
                "invalid_value", "A window from \(ClockTime.text(from)) to \(ClockTime.text(to)) is never open.",
                hint: "for a whole day write from: \"00:00\", to: \"24:00\"")
            return nil
        }
        return ScheduleWindow(days: days ?? Set(Weekday.allCases), from: from, to: to)
    }

    private func readClock(_ field: Field) -> Int? {
        guard let text = field.text(maximum: 8) else { return nil }
        if let minutes = ClockTime.minutes(text) { return minutes }
        field.report("invalid_value", "'\(text)' is no time of day.", hint: "write it in quotes, like \"08:00\"")
        return nil
    }

    private func readTime(_ field: Field) -> Date? {
        guard let text = field.text(maximum: 40) else { return nil }
        if let date = TimestampText.date(text) { return date }
        field.report("invalid_value", "'\(text)' is no date and time.", hint: "write it like 2026-01-31T12:00:00Z")
        return nil
    }
}
