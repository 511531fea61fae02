import CEL
import FoundationEssentials

extension CELValue {
    /// A timestamp; `nil` outside the years 1 to 9999.
    init?(time: Date) {
        let seconds = time.timeIntervalSince1970
        guard seconds.magnitude < 1e12 else { return nil }
        let whole = seconds.rounded(.down)
        let nanoseconds = min(999_999_999, Int32((seconds - whole) * 1e9))
        guard let timestamp = try? CELTimestamp(seconds: Int64(whole), nanoseconds: nanoseconds) else { return nil }
        self = .timestamp(timestamp)
    }
}
