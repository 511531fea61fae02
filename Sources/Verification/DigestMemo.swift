import Synchronization

/// Remembers what was made of some bytes, by a digest of them, so that it is not made again.
///
/// Only what follows from the bytes alone may be remembered here, nothing that depends on the time, and only of bytes
/// that are believed, so that nobody can crowd the others out. The oldest entry leaves when a new one finds no room.
final class DigestMemo<Value: Sendable>: Sendable {
    private struct State {
        var values: [[UInt8]: Value] = [:]
        var order: [[UInt8]] = []
        var next = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// A memory for up to `capacity` values, at least one.
    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    /// What was made of the bytes with this digest before, or what `make` makes of them now.
    func value<Failure: Error>(
        _ digest: [UInt8], make: () throws(Failure) -> Value
    ) throws(Failure) -> Value {
        if let known = state.withLock({ $0.values[digest] }) { return known }
        let value = try make()
        state.withLock { state in
            guard state.values.updateValue(value, forKey: digest) == nil else { return }
            guard state.order.count == capacity else { return state.order.append(digest) }
            state.values[state.order[state.next]] = nil
            state.order[state.next] = digest
            state.next = (state.next + 1) % capacity
        }
        return value
    }
}
