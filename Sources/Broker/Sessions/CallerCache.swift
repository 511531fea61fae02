import Storage
import Synchronization

/// The callers of the sessions that were used lately, so that a session is opened and parsed once and not for every request.
///
/// It decides nothing. The database says each time whether a session still holds and what is stored for it, and an entry
/// counts only for a row that equals, byte for byte, the one that was opened and authenticated.
final class CallerCache: Sendable {
    private struct State {
        var callers: [SealedSession: Caller] = [:]
        var bytes = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameter capacity: The most bytes of rows that are kept; what was parsed from them takes some times as much.
    init(capacity: Int = 2_097_152) {
        self.capacity = capacity
    }

    /// The caller that was kept for a session of exactly this row.
    func caller(of session: SealedSession) -> Caller? {
        state.withLock { $0.callers[session] }
    }

    /// Keeps a caller; when there is no room for him, all others are forgotten first.
    func keep(_ caller: Caller, of session: SealedSession) {
        guard session.byteCount <= capacity / 16 else { return }
        state.withLock { state in
            if state.callers.updateValue(caller, forKey: session) == nil { state.bytes += session.byteCount }
            guard state.bytes > capacity else { return }
            state = State(callers: [session: caller], bytes: session.byteCount)
        }
    }

    /// How many callers are kept.
    var count: Int { state.withLock { $0.callers.count } }
}
