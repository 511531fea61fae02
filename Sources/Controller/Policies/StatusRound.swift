/// One round of writing statuses: when to go on, and what came of it.
struct StatusRound: Sendable {
    /// As many are written before new policies go first: otherwise a tenant who changes something all the time would keep all
    /// statuses from being written.
    private static let fewest = 64
    /// After as many failures in a row it is not the objects that are to blame.
    private static let failuresInRow = 16

    private var begun = 0
    private var failed = 0
    /// Whether this process may not write any more.
    private(set) var isLeaderless = false
    /// Whether all objects show what they should.
    private(set) var isComplete = true

    /// Whether to begin with one more.
    ///
    /// - Parameter isOutdated: whether something changed that has to reach the broker.
    mutating func begins(isOutdated: Bool) -> Bool {
        guard !isLeaderless, failed < Self.failuresInRow, !isOutdated || begun < Self.fewest else {
            isComplete = false
            return false
        }
        begun += 1
        return true
    }

    /// One was written, or was not.
    mutating func ended(_ error: ControllerError?) {
        guard let error else {
            failed = 0
            return
        }
        isComplete = false
        switch error.code {
        case "not_leading": isLeaderless = true
        // It changed meanwhile, and is looked at again.
        case "stale": failed = 0
        default: failed += 1
        }
    }
}
