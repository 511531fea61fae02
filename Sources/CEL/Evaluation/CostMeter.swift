/// What an evaluation may still spend. A unit is about one step: a node, an element, 16 bytes of text.
struct CostMeter {
    let limit: Int
    private(set) var spent = 0

    init(limit: Int) { self.limit = limit }

    mutating func charge(_ units: Int) throws(CELError) {
        guard units <= limit - spent else { throw exhausted() }
        spent += units
    }

    mutating func charge(bytes: Int) throws(CELError) { try charge(bytes >> 4) }

    /// What may still be spent.
    var remaining: Int { Swift.max(0, limit - spent) }

    /// Marks everything as spent, for work that measured itself and was stopped.
    mutating func exhausted() -> CELError {
        spent = Swift.max(spent, limit)
        return exceeded
    }

    private var exceeded: CELError {
        CELError(.costExceeded, "the evaluation was stopped after \(limit) steps")
    }
}
