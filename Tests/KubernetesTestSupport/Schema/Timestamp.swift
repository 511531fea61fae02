import Foundation

/// The two forms in which the API writes times.
package enum Timestamp {
    /// Whole seconds, as in `creationTimestamp`.
    package static func text(_ date: Date) -> String {
        date.formatted(.iso8601)
    }

    /// Six digits of a second (MicroTime), as Lease and Event demand them.
    package static func microText(_ date: Date) -> String {
        let whole = date.timeIntervalSince1970.rounded(.down)
        let micros = Int(((date.timeIntervalSince1970 - whole) * 1_000_000).rounded(.down))
        let seconds = text(Date(timeIntervalSince1970: whole)).dropLast()
        return "\(seconds).\(String(format: "%06d", min(micros, 999_999)))Z"
    }

    /// The moment that an RFC 3339 text of either form names.
    package static func date(_ text: String) -> Date? {
        if let date = try? Date(text, strategy: .iso8601) { return date }
        return try? Date(text, strategy: Date.ISO8601FormatStyle(includingFractionalSeconds: true))
    }

    /// Whether this is what Go's layout `2006-01-02T15:04:05.000000Z07:00` reads.
    static func isMicroTime(_ text: String) -> Bool {
        text.wholeMatch(of: /\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}(Z|[+-]\d{2}:\d{2})/) != nil
    }

    static func isTime(_ text: String) -> Bool {
        text.wholeMatch(of: /\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})/) != nil
    }
}
