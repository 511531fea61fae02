import Synchronization

/// A wake-up call that is not lost when nobody waits yet: the next wait then returns at once. Several calls count as one.
final class WakeSignal: Sendable {
    private struct State {
        var isSet = false
        var nextTicket: UInt64 = 0
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
    }

    private let state = Mutex(State())

    /// Wakes those that wait, or the next one that will.
    func set() {
        let waiters = state.withLock { state in
            state.isSet = state.waiters.isEmpty
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Returns when ``set()`` is called, was called since the last wait, or the task is cancelled.
    func wait() async {
        let ticket = state.withLock { state in
            state.nextTicket += 1
            return state.nextTicket
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let returnsAtOnce = state.withLock { state in
                    // The flag of cancellation is raised before its handler runs, so one of the two sees the other.
                    if Task.isCancelled { return true }
                    if state.isSet {
                        state.isSet = false
                        return true
                    }
                    state.waiters[ticket] = continuation
                    return false
                }
                if returnsAtOnce { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: ticket) }?.resume()
        }
    }

    /// Waits as ``wait()`` does, but not longer than `limit`; without a limit when that is `nil`.
    func wait(atMost limit: Duration?, in environment: RuntimeEnvironment) async {
        guard let limit else { return await wait() }
        _ = await environment.limited(to: limit) { await self.wait() }
    }
}
