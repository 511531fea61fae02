/// What an evaluation may still spend. A unit is about one step: a node, an element, 16 bytes of text.
struct CostMeter {
    let limit: Int
    private(set) var spent = 0

    init(limit: Int) { self.limit = limit }

    mutating func charge(_ units: Int) throws(CELError) {
        // `spent` never passes `limit` by more than one charge, and a charge is never larger than a value in memory.
        spent &+= units
        if spent > limit { throw exceeded }
    }

    mutating func charge(bytes: Int) throws(CELError) { try charge(bytes >> 4) }

    private var exceeded: CELError {
        CELError(.costExceeded, "the evaluation was stopped after \(limit) steps")
    }
}
