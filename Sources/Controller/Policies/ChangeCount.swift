import Synchronization

/// Counts changes that have to reach the broker, for whoever is at work that can wait meanwhile.
final class ChangeCount: Sendable {
    private let count = Atomic(0)

    /// How many there were.
    var value: Int { count.load(ordering: .acquiring) }

    /// There is one more.
    func add() { count.add(1, ordering: .acquiringAndReleasing) }
}
