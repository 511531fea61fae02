import Synchronization

/// With which status the program is to end, known also when it has to end before everything was tidied up.
final class AgentOutcome: Sendable {
    private let value = Atomic<Int32>(0)

    var status: Int32 { value.load(ordering: .sequentiallyConsistent) }

    func set(_ status: Int32) { value.store(status, ordering: .sequentiallyConsistent) }
}
