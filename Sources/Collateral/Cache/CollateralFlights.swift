import RATS
import Synchronization

/// Work that all who want the same name wait for together.
final class CollateralFlights: Sendable {
    typealias Outcome = Result<CollateralEntry, CollateralError>

    private let flights = Mutex<[CollateralName: Task<Outcome, Never>]>([:])

    /// Waits for the work on a name, which is begun unless it is under way. It goes on when the one who began it gives up:
    /// others wait for it too.
    func join(_ name: CollateralName, _ work: @escaping @Sendable () async -> Outcome) async -> Outcome {
        let flight = flights.withLock { flights -> Task<Outcome, Never>? in
            if let flight = flights[name] { return flight }
            guard flights.count < CollateralSettings.flights else { return nil }
            let flight = Task {
                let outcome = await work()
                self.flights.withLock { _ = $0.removeValue(forKey: name) }
                return outcome
            }
            flights[name] = flight
            return flight
        }
        guard let flight else {
            return .failure(.unavailable(name, "too many other things are being asked for at this moment."))
        }
        return await flight.value
    }

    /// The work on a name that is under way.
    func underway(_ name: CollateralName) async -> Outcome? {
        await flights.withLock { $0[name] }?.value
    }
}

/// Lets a few tasks through at a time, in the order in which they came.
final class CollateralTurnstile: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    init(width: Int) { state = Mutex(State(free: width)) }

    func pass<Value: Sendable>(_ body: () async -> Value) async -> Value {
        await enter()
        defer { leave() }
        return await body()
    }

    private func enter() async {
        await withCheckedContinuation { continuation in
            let mayPass = state.withLock { state in
                guard state.free == 0 else {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if mayPass { continuation.resume() }
        }
    }

    private func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.waiting.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }
}
