import Synchronization

/// How many reviews are worked on at a time, and how large they are together.
///
/// A review that was read takes many times the memory of its text. So the others wait as text, in the order in which they came.
final class ReviewTurns: Sendable {
    private struct State {
        var inside = 0
        var weight = 0
        var waiting: [(weight: Int, turn: CheckedContinuation<Void, Never>)] = []
    }

    private let places: Int
    private let capacity: Int
    private let state = Mutex(State())

    /// - Parameters:
    ///   - places: the most reviews at a time.
    ///   - capacity: the most that those at work weigh together; what is heavier than all of it has its turn alone.
    init(places: Int, capacity: Int) {
        self.places = places
        self.capacity = capacity
    }

    /// How many have their turn now.
    var inside: Int { state.withLock(\.inside) }
    /// How many wait for it.
    var waiting: Int { state.withLock(\.waiting.count) }

    /// Runs `body` when it is its turn.
    func pass<Value: Sendable>(weight: Int, _ body: () async -> Value) async -> Value {
        let weight = min(max(weight, 0), capacity)
        await enter(weight)
        defer { leave(weight) }
        return await body()
    }

    private func enter(_ weight: Int) async {
        await withCheckedContinuation { continuation in
            let mayPass = state.withLock { state in
                guard state.waiting.isEmpty, hasRoom(for: weight, state) else {
                    state.waiting.append((weight, continuation))
                    return false
                }
                state.inside += 1
                state.weight += weight
                return true
            }
            if mayPass { continuation.resume() }
        }
    }

    private func leave(_ weight: Int) {
        let next = state.withLock { state in
            state.inside -= 1
            state.weight -= weight
            var next: [CheckedContinuation<Void, Never>] = []
            // The first in line is never overtaken by lighter ones: its turn comes.
            while let first = state.waiting.first, hasRoom(for: first.weight, state) {
                state.inside += 1
                state.weight += first.weight
                next.append(state.waiting.removeFirst().turn)
            }
            return next
        }
        for turn in next { turn.resume() }
    }

    private func hasRoom(for weight: Int, _ state: State) -> Bool {
        state.inside < places && state.weight + weight <= capacity
    }
}
