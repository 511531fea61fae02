import FoundationEssentials
import RATS
import Synchronization

/// Which of a broker's addresses to ask: the one that worked last. Addresses that failed rest for a while that grows, and
/// after a longer while the first one is tried again.
final class AddressOrder: Sendable {
    private struct Address {
        var failures = 0
        var rest: TimeWindow?

        func isResting(at moment: Date) -> Bool { rest?.contains(moment) ?? false }
    }

    private struct State {
        var addresses: [Address]
        var current = 0
        /// While it lasts, another address than the first is not left.
        var stay: TimeWindow?
    }

    /// The longest time for which a failed address is left alone, in seconds, before the jitter.
    static let longestRest: TimeInterval = 60

    private let state: Mutex<State>
    private let clock: WallClock
    private let returnAfter: TimeInterval

    init(count: Int, returnAfter: Duration, clock: WallClock) {
        state = Mutex(State(addresses: Array(repeating: Address(), count: max(count, 1))))
        self.clock = clock
        self.returnAfter = Double(returnAfter.components.seconds)
    }

    /// The addresses to try now, best first; one when all of them rest, and never none.
    func candidates() -> [Int] {
        let now = clock.now()
        return state.withLock { state in
            let count = state.addresses.count
            var order = (0..<count).map { (state.current + $0) % count }
            if state.current != 0, !(state.stay?.contains(now) ?? false) {
                order.removeAll { $0 == 0 }
                order.insert(0, at: 0)
            }
            let awake = order.filter { !state.addresses[$0].isResting(at: now) }
            guard awake.isEmpty else { return awake }
            let first = order.min { left, right in
                guard let leftRest = state.addresses[left].rest, let rightRest = state.addresses[right].rest else {
                    return false
                }
                return TimeWindow.endsEarlier(leftRest, rightRest)
            }
            return [first ?? state.current]
        }
    }

    /// The address answered, whatever it said.
    func answered(_ index: Int) {
        let now = clock.now()
        state.withLock { state in
            state.addresses[index] = Address()
            guard state.current != index else { return }
            state.current = index
            state.stay = stayWindow(now)
        }
    }

    /// The address did not answer, or only with a failure of its own.
    func failed(_ index: Int) {
        let now = clock.now()
        state.withLock { state in
            guard !state.addresses[index].isResting(at: now) else { return }
            state.addresses[index].failures += 1
            let rest = min(Double(1 << min(state.addresses[index].failures - 1, 6)), Self.longestRest)
            state.addresses[index].rest = TimeWindow(from: now, lasting: rest * Double.random(in: 0.8...1.2))
            if index == 0, state.current != 0 { state.stay = stayWindow(now) }
        }
    }

    private func stayWindow(_ now: Date) -> TimeWindow {
        TimeWindow(from: now, lasting: returnAfter * Double.random(in: 0.9...1.1))
    }
}
