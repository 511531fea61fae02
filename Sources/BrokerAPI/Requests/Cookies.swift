import FoundationEssentials
import HTTPTypes

/// The session cookie (RFC 6265), by the name that every released client keeps.
enum SessionCookie {
    static let name = "kbs-session-id"

    /// The cookie's value in a request, when there is exactly one.
    ///
    /// Two cookies of this name mean that somebody planted one; neither is believed.
    static func value(in headers: HTTPFields) -> String? {
        var found: String?
        for field in headers[values: .cookie] {
            for pair in field.utf8.split(separator: UInt8(ascii: ";")) {
                guard let equals = pair.firstIndex(of: UInt8(ascii: "=")),
                    trimmed(pair[..<equals]).elementsEqual(name.utf8)
                else { continue }
                guard found == nil else { return nil }
                found = String(Substring(trimmed(pair[pair.index(after: equals)...])))
            }
        }
        return found
    }

    /// The `Set-Cookie` field's value.
    static func header(value: String, expires: Date, secure: Bool) -> String {
        let flag = secure ? "; Secure" : ""
        return "\(name)=\(value); Path=/kbs; Expires=\(httpDate(expires)); HttpOnly\(flag); SameSite=Strict"
    }

    private static func trimmed(_ text: Substring.UTF8View) -> Substring.UTF8View {
        func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let rest = text.drop(while: isBlank)
        guard let last = rest.lastIndex(where: { !isBlank($0) }) else { return rest[..<rest.startIndex] }
        return rest[...last]
    }

    /// IMF-fixdate (RFC 9110 section 5.6.7), such as `Sat, 21 Nov 2026 04:00:00 GMT`.
    static func httpDate(_ date: Date) -> String {
        let seconds = Int(date.timeIntervalSince1970.rounded(.down))
        let days = (seconds - floorMod(seconds, 86_400)) / 86_400
        let second = floorMod(seconds, 86_400)
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][floorMod(days, 7)]
        let (year, month, day) = civil(fromDays: days)
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let time = [second / 3_600, second / 60 % 60, second % 60].map(twoDigits).joined(separator: ":")
        return "\(weekday), \(twoDigits(day)) \(months[month - 1]) \(year) \(time) GMT"
    }

    /// The proleptic Gregorian date of a day counted from 1970-01-01.
    private static func civil(fromDays days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = (shifted - floorMod(shifted, 146_097)) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    private static func floorMod(_ number: Int, _ divisor: Int) -> Int {
        (number % divisor + divisor) % divisor
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
