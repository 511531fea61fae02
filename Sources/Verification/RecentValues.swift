import Synchronization

/// Values that were expensive to make, kept by key up to a number; the oldest leaves when a new one finds no room.
///
/// What is kept must hold whenever it is found again, so nothing in it may depend on the time, and it must have been made
/// of something that is believed, so that nobody can crowd the others out.
final class RecentValues<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct State {
        var values: [Key: Value] = [:]
        var order: [Key] = []
        var next = 0
    }

    private let capacity: Int
    private let state = Mutex(State())

    /// Room for up to `capacity` values, at least one.
    init(capacity: Int) { self.capacity = max(1, capacity) }

    /// How many values are kept.
    var count: Int { state.withLock { $0.values.count } }

    func value(for key: Key) -> Value? { state.withLock { $0.values[key] } }

    /// What is kept for this key, or what `make` makes now.
    func value<Failure: Error>(_ key: Key, make: () throws(Failure) -> Value) throws(Failure) -> Value {
        if let known = value(for: key) { return known }
        let value = try make()
        keep(value, for: key)
        return value
    }

    /// Keeps a value in place of the one that was there.
    func keep(_ value: Value, for key: Key) {
        state.withLock { state in
            guard state.values.updateValue(value, forKey: key) == nil else { return }
            guard state.order.count == capacity else { return state.order.append(key) }
            state.values[state.order[state.next]] = nil
            state.order[state.next] = key
            state.next = (state.next + 1) % capacity
        }
    }
}
