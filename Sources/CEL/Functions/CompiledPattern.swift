import LinearRegex

/// A regular expression together with what a search with it costs.
struct CompiledPattern: Sendable {
    /// Smaller than the engine allows: a policy's pattern has no need of thousands of steps per character.
    private static let limits = RegexLimits(maximumPatternLength: 4096, maximumProgramSize: 5000)

    private let regex: LinearRegex

    init(_ pattern: String) throws(CELError) {
        do {
            regex = try LinearRegex(pattern, limits: Self.limits)
        } catch {
            throw CELError(.invalidArgument, "the pattern is not valid: \(error.message) (at \(error.offset))")
        }
    }

    /// Charges the worst case first: steps are at most characters times instructions.
    func matches(_ text: String, _ meter: inout CostMeter) throws(CELError) -> Bool {
        try meter.charge(1 + (text.utf8.count >> 3) * (1 + (regex.programSize >> 3)))
        return regex.matches(text)
    }
}
