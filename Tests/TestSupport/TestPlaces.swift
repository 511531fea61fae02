import Synchronization

/// How many tests may have a database at once: all tests begin together, and each connection is a process of the server.
final class TestPlaces: Sendable {
    static let shared = TestPlaces(80)

    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    private init(_ count: Int) { state = Mutex(State(free: count)) }

    /// A place, as soon as there is one; it is given back when nobody holds it any more.
    func take() async -> Place {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free > 0 else {
                    state.waiting.append(continuation)
                    return false
                }
                state.free -= 1
                return true
            }
            if isFree { continuation.resume() }
        }
        return Place(self)
    }

    private func giveBack() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }

    final class Place: Sendable {
        private let places: TestPlaces

        fileprivate init(_ places: TestPlaces) { self.places = places }

        deinit { places.giveBack() }
    }
}
