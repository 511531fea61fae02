import FoundationEssentials

/// Dates as RFC 3339 writes them.
package enum TimestampText {
    /// The time, or `nil` when the text is not `yyyy-mm-ddThh:mm:ss` followed by `Z` or an offset such as `+01:00`.
    package static func date(_ text: String) -> Date? {
        // The parser of Foundation ignores what follows a time.
        let zone = text.utf8.dropFirst(19).first
        switch text.utf8.count {
        case 20: guard zone == UInt8(ascii: "Z") else { return nil }
        case 25: guard zone == UInt8(ascii: "+") || zone == UInt8(ascii: "-") else { return nil }
        default: return nil
        }
        return try? Date(text, strategy: .iso8601)
    }

    /// The time in UTC, in whole seconds.
    package static func text(_ date: Date) -> String {
        date.formatted(.iso8601)
    }
}
