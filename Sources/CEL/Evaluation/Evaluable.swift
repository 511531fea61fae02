/// A part of a program, ready to run: names are resolved, functions looked up.
protocol Evaluable: Sendable {
    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue
}

/// What one evaluation carries along.
struct Frame {
    let variables: [String: CELValue]
    /// Variables of macros by slot; nil while a lazy one is not computed yet.
    var locals: [CELValue?]
    var meter: CostMeter

    init(variables: [String: CELValue], localCount: Int, costLimit: Int) {
        self.variables = variables
        locals = Array(repeating: nil, count: localCount)
        meter = CostMeter(limit: costLimit)
    }
}

struct ConstantNode: Evaluable {
    let value: CELValue

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue {
        try frame.meter.charge(1)
        return value
    }
}

/// Always an error: what an unchecked expression gets for a name or function that does not exist.
struct FailingNode: Evaluable {
    let error: CELError

    func evaluate(_ frame: inout Frame) throws(CELError) -> CELValue { throw error }
}
