import Encodings
import FoundationEssentials

extension Date {
    /// The last whole second at or before this time, since 1970; times on the wire have no fractions.
    var wholeSeconds: Int64 { Int64(timeIntervalSince1970.rounded(.down)) }

    init(wholeSeconds: Int64) { self.init(timeIntervalSince1970: TimeInterval(wholeSeconds)) }

    /// This time as RFC 3339 in UTC with whole seconds, such as `2026-11-21T04:00:00Z`.
    var rfc3339: String { formatted(.iso8601) }
}

extension JSONValue {
    /// A string, or `null` when there is none.
    static func optional(_ text: String?) -> JSONValue { text.map(JSONValue.string) ?? .null }
}
