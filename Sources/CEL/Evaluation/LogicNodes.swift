/// `&&` or `||` over any number of operands. One operand that decides makes the errors of the others void;
/// only a spent budget always ends the evaluation.
struct JunctionNode: Evaluable {
    let operands: [any Evaluable]
    /// The value that decides: false for `&&`, true for `||`.
    let deciding: Bool
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        var failure: CELError?
        for operand in operands {
            do throws(CELError) {
                let value = try operand.evaluate(&frame)
                guard case .bool(let truth) = value else {
                    throw CELError.noSuchOverload(deciding ? "||" : "&&", value).placed(at: position)
                }
                if truth == deciding { return value }
            } catch {
                guard error.kind != .costExceeded else { throw error }
                failure = failure ?? error
            }
        }
        if let failure { throw failure }
        return .bool(!deciding)
    }
}

struct NotNode: Evaluable {
    let operand: any Evaluable
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        let value = try operand.evaluate(&frame)
        guard case .bool(let truth) = value else { throw CELError.noSuchOverload("!", value).placed(at: position) }
        return .bool(!truth)
    }
}

struct ConditionalNode: Evaluable {
    let condition: any Evaluable
    let whenTrue: any Evaluable
    let whenFalse: any Evaluable
    let position: Int

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        let value = try condition.evaluate(&frame)
        guard case .bool(let truth) = value else { throw CELError.noSuchOverload("?:", value).placed(at: position) }
        return try (truth ? whenTrue : whenFalse).evaluate(&frame)
    }
}
