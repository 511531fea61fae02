import LinearRegex

/// A regular expression whose searches are paid for by the work that they do.
struct CompiledPattern: Sendable {
    /// Smaller than the engine allows: a policy's pattern has no need of thousands of steps per character.
    private static let limits = RegexLimits(maximumPatternLength: 4096, maximumProgramSize: 5000)
    /// A step of the engine is far less work than a step of the evaluator.
    private static let stepsPerUnit = 16

    private let regex: LinearRegex

    init(_ pattern: String) throws(CELError) {
        do {
            regex = try LinearRegex(pattern, limits: Self.limits)
        } catch {
            throw CELError(.invalidArgument, "the pattern is not valid: \(error.message) (at \(error.offset))")
        }
    }

    /// Compiles a pattern that is known only when evaluated.
    init(_ pattern: String, _ meter: inout CostMeter) throws(CELError) {
        // Counted repetitions unfold up to the limit before they are found to be too large.
        let unfolds = pattern.utf8.contains(UInt8(ascii: "{"))
        try meter.charge(1 + 4 * pattern.utf8.count + (unfolds ? Self.limits.maximumProgramSize / 4 : 0))
        try self.init(pattern)
    }

    func matches(_ text: String, _ meter: inout CostMeter) throws(CELError) -> Bool {
        try run(&meter) { (regex, steps) throws(RegexError) in try regex.matches(text, steps: &steps) }
    }

    /// The leftmost match at or after a place, in UTF-8 bytes.
    func firstMatch(
        in text: String, from offset: Int, _ meter: inout CostMeter
    ) throws(CELError) -> RegexMatch? {
        try run(&meter) { (regex, steps) throws(RegexError) in
            try regex.firstMatch(in: text, from: offset, steps: &steps)
        }
    }

    private func run<Result>(
        _ meter: inout CostMeter, _ search: (LinearRegex, inout Int) throws(RegexError) -> Result
    ) throws(CELError) -> Result {
        // A search sets up tables of the size of the program.
        try meter.charge(1 + regex.programSize / 64)
        let allowance = meter.remaining.multipliedReportingOverflow(by: Self.stepsPerUnit)
        let granted = allowance.overflow ? Int.max : allowance.partialValue
        var steps = granted
        let found: Result
        do throws(RegexError) { found = try search(regex, &steps) } catch { throw meter.exhausted() }
        try meter.charge((granted - steps) / Self.stepsPerUnit)
        return found
    }
}
