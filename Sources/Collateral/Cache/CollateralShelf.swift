import RATS
import Storage
import Synchronization

/// What a cache has in memory: the items that were used last, and how far every name had come.
///
/// A change that another replica tells of makes what is being read from the database at that moment doubtful: it may be what
/// was there before. Whoever reads takes the ``generation`` first and hands it in with what he read; after a change in between,
/// the entry is not kept.
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
        var generation: UInt64 = 0
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

    /// How often something was dropped.
    var generation: UInt64 { state.withLock { $0.generation } }

    /// How far the names have come that are issued again and again.
    var marks: [CollateralName: CollateralMark] { state.withLock { $0.marks } }

    /// How far a name has come; nil when nothing of it was here.
    func mark(of name: CollateralName) -> CollateralMark? { state.withLock { $0.marks[name] } }

    /// Whether a newer issue of the entry's name was here before.
    func isBehind(_ entry: CollateralEntry) -> Bool {
        guard let mark = entry.mark else { return false }
        return self.mark(of: entry.name).map { mark.isBehind($0) } ?? false
    }

    /// Keeps an entry, unless a newer issue of its name was here before, or it may have been replaced since `generation`.
    /// Returns whether it is no older than what was here before.
    @discardableResult
    func put(_ entry: CollateralEntry, readAt generation: UInt64) -> Bool {
        state.withLock { state in
            if let mark = entry.mark {
                if let reached = state.marks[entry.name], mark.isBehind(reached) { return false }
                state.marks[entry.name] = mark
                // What is issued once and for all is never replaced.
                guard generation == state.generation else { return true }
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
    func drop(_ name: CollateralName) {
        state.withLock { state in
            state.generation &+= 1
            Self.remove(name, from: &state)
        }
    }

    /// Forgets all entries, but not how far their names had come.
    func dropAll() {
        state.withLock { state in
            state.generation &+= 1
            state.places = [:]
            state.bytes = 0
        }
    }

    /// Forgets an entry when the database has a newer issue of its name.
    func dropWhatIsBehind(_ mark: CollateralMark, of name: CollateralName) {
        state.withLock { state in
            guard let mine = state.places[name]?.entry.mark, mine.isBehind(mark) else { return }
            state.generation &+= 1
            Self.remove(name, from: &state)
        }
    }

    private static func remove(_ name: CollateralName, from state: inout State) {
        guard let place = state.places.removeValue(forKey: name) else { return }
        state.bytes -= place.entry.size
    }
}
