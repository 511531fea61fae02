import Encodings
import Synchronization

/// A running watch: it reads its table's changes at its own pace and is woken when there are more.
final class Watcher: Sendable {
    let table: String
    let signals: AsyncStream<Void>
    private let signal: AsyncStream<Void>.Continuation
    private let disturbances = Mutex<[Disturbance]>([])

    init(table: String) {
        self.table = table
        // One pending signal is enough: whoever wakes reads everything.
        (signals, signal) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func wake() { signal.yield() }

    func disturb(_ disturbance: Disturbance) {
        disturbances.withLock { $0.append(disturbance) }
        wake()
    }

    func nextDisturbance() -> Disturbance? {
        disturbances.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }
}
