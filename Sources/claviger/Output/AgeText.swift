import FoundationEssentials
import Policy

/// Ages as kubectl shows them.
enum AgeText {
    /// `45s`, `12m`, `5h` or `3d`; `?` when nobody knows, and `0s` for what a clock that is ahead has dated.
    static func since(_ date: Date?, now: Date) -> String {
        guard let date else { return "?" }
        let seconds = Int(max(0, min(now.timeIntervalSince(date), 1e12)))
        switch seconds {
        case ..<120: return "\(seconds)s"
        case ..<7_200: return "\(seconds / 60)m"
        case ..<172_800: return "\(seconds / 3_600)h"
        default: return "\(seconds / 86_400)d"
        }
    }

    /// The same of a time in RFC 3339.
    static func since(_ text: String, now: Date) -> String { since(TimestampText.date(text), now: now) }
}
