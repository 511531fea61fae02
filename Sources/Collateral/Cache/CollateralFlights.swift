import RATS
import Synchronization

/// Work that all who want the same name wait for together.
final class CollateralFlights<Value: Sendable>: Sendable {
    typealias Outcome = Result<Value, CollateralError>

    private struct State {
        var flights: [CollateralName: Task<Outcome, Never>] = [:]
        var ofKind: [String: Int] = [:]
    }

    private let state = Mutex(State())
    private let limit: Int

    /// - Parameter limit: The most names of one kind that are worked on at a time.
    init(limitOfKind limit: Int = .max) { self.limit = limit }

    /// Waits for the work on a name, which is begun unless it is under way. It goes on when the one who began it gives up:
    /// others wait for it too.
    func join(_ name: CollateralName, _ work: @escaping @Sendable () async -> Outcome) async -> Outcome {
        let flight = state.withLock { state -> Task<Outcome, Never>? in
            if let flight = state.flights[name] { return flight }
            let count = state.ofKind[name.kind, default: 0]
            guard count < limit else { return nil }
            let flight = Task {
                let outcome = await work()
                self.end(name)
                return outcome
            }
            state.flights[name] = flight
            state.ofKind[name.kind] = count + 1
            return flight
        }
        guard let flight else { return .failure(.busy(name)) }
        return await flight.value
    }

    private func end(_ name: CollateralName) {
        state.withLock { state in
            state.flights[name] = nil
            let left = state.ofKind[name.kind, default: 1] - 1
            state.ofKind[name.kind] = left > 0 ? left : nil
        }
    }

    /// The work on a name that is under way.
    func underway(_ name: CollateralName) async -> Outcome? {
        await state.withLock { $0.flights[name] }?.value
    }
}

extension CollateralError {
    /// Too many other names of the same kind are being asked for.
    static func busy(_ name: CollateralName) -> CollateralError {
        CollateralError(
            code: "collateral_busy",
            message: "There is no \(name) yet: too many others of the kind \(name.kind) are being asked for. Try again."
        )
    }
}
