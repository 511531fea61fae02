import RATS
import Synchronization

/// Lets a few tasks through at a time for each kind of collateral, in the order in which they came.
final class CollateralTurnstile: Sendable {
    private struct Lane {
        var inside = 0
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let lanes = Mutex<[String: Lane]>([:])
    private let width: Int

    init(width: Int) { self.width = width }

    func pass<Value: Sendable>(_ kind: String, _ body: () async -> Value) async -> Value {
        await enter(kind)
        defer { leave(kind) }
        return await body()
    }

    private func enter(_ kind: String) async {
        await withCheckedContinuation { continuation in
            let mayPass = lanes.withLock { lanes in
                var lane = lanes[kind, default: Lane()]
                let mayPass = lane.inside < width
                if mayPass { lane.inside += 1 } else { lane.waiting.append(continuation) }
                lanes[kind] = lane
                return mayPass
            }
            if mayPass { continuation.resume() }
        }
    }

    private func leave(_ kind: String) {
        let next = lanes.withLock { lanes -> CheckedContinuation<Void, Never>? in
            guard var lane = lanes[kind] else { return nil }
            // Who waits takes the place of the one who leaves.
            let next = lane.waiting.isEmpty ? nil : lane.waiting.removeFirst()
            if next == nil { lane.inside -= 1 }
            lanes[kind] = lane.inside > 0 ? lane : nil
            return next
        }
        next?.resume()
    }
}
