import FoundationEssentials

/// A span of wall-clock time in which something known is believed.
///
/// A clock that is set back, as at the first synchronisation after boot, ends the window: otherwise what was remembered
/// would count for as long as the clock went back.
struct TimeWindow {
    private let start: Date
    private let end: Date

    init(from start: Date, lasting seconds: TimeInterval) {
        self.start = start
        end = start.addingTimeInterval(seconds)
    }

    func contains(_ moment: Date) -> Bool { start <= moment && moment < end }

    /// Which of two windows is over first.
    static func endsEarlier(_ left: TimeWindow, _ right: TimeWindow) -> Bool { left.end < right.end }
}
