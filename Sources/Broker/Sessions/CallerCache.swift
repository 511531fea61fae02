import Synchronization

/// The callers of the sessions that were used lately, so that a session is parsed once and not for every request.
///
/// It decides nothing. The database says each time whether a session still holds and what is stored for it, and an entry
/// counts only for exactly the payload that was just read and authenticated.
final class CallerCache: Sendable {
    private struct Entry {
        let payload: [UInt8]
        let caller: Caller
    }

    private struct State {
        var entries: [[UInt8]: Entry] = [:]
        var payloadBytes = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameter capacity: The most bytes of payloads that are kept; what was parsed from them takes some times as much.
    init(capacity: Int = 2_097_152) {
        self.capacity = capacity
    }

    /// The caller that was kept for a session with this payload.
    func caller(hash: [UInt8], payload: [UInt8]) -> Caller? {
        guard let entry = state.withLock({ $0.entries[hash] }), entry.payload == payload else { return nil }
        return entry.caller
    }

    /// Keeps a caller; when there is no room for him, all others are forgotten first.
    func keep(_ caller: Caller, hash: [UInt8], payload: [UInt8]) {
        guard payload.count <= capacity / 16 else { return }
        state.withLock { state in
            state.payloadBytes += payload.count - (state.entries[hash]?.payload.count ?? 0)
            if state.payloadBytes > capacity { state = State(payloadBytes: payload.count) }
            state.entries[hash] = Entry(payload: payload, caller: caller)
        }
    }

    /// How many callers are kept.
    var count: Int { state.withLock { $0.entries.count } }
}
