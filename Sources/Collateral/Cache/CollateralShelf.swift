import RATS
import Storage
import Synchronization

/// What a cache has in memory: the items that were used last, and how far every name had come.
final class CollateralShelf: Sendable {
    private static let maximumBytes = 64 << 20

    private struct Place {
        let entry: CollateralEntry
        var lastUse: UInt64
    }

    private struct State {
        var places: [CollateralName: Place] = [:]
        var bytes = 0
        var uses: UInt64 = 0
        var marks: [CollateralName: CollateralMark] = [:]
    }

    private let state = Mutex(State())
    private let capacity: Int

    init(capacity: Int) { self.capacity = capacity }

    subscript(_ name: CollateralName) -> CollateralEntry? {
        state.withLock { state in
            state.uses &+= 1
            let uses = state.uses
            state.places[name]?.lastUse = uses
            return state.places[name]?.entry
        }
    }

    /// The names of everything that is there.
    var names: [CollateralName] { state.withLock { Array($0.places.keys) } }

    /// Whether a newer issue of the entry's name was here before.
    func isBehind(_ entry: CollateralEntry) -> Bool {
        guard let mark = entry.mark else { return false }
        return state.withLock { $0.marks[entry.name] }.map { mark.isBehind($0) } ?? false
    }

    /// Keeps an entry, unless a newer issue of its name was here before. Returns whether it is no older than that.
    @discardableResult
    func put(_ entry: CollateralEntry) -> Bool {
        state.withLock { state in
            if let mark = entry.mark {
                if let reached = state.marks[entry.name], mark.isBehind(reached) { return false }
                state.marks[entry.name] = mark
            }
            Self.remove(entry.name, from: &state)
            state.uses &+= 1
            state.places[entry.name] = Place(entry: entry, lastUse: state.uses)
            state.bytes += entry.size
            while state.places.count > capacity || state.bytes > Self.maximumBytes,
                let oldest = state.places.min(by: { $0.value.lastUse < $1.value.lastUse })?.key
            {
                Self.remove(oldest, from: &state)
            }
            return true
        }
    }

    /// Forgets an entry, but not how far its name had come.
    func drop(_ name: CollateralName) { state.withLock { Self.remove(name, from: &$0) } }

    private static func remove(_ name: CollateralName, from state: inout State) {
        guard let place = state.places.removeValue(forKey: name) else { return }
        state.bytes -= place.entry.size
    }
}
