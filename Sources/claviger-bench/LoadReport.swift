/// Load on a program, printed as a line of figures.
struct LoadReport {
    /// The program's process id.
    let process: Int32
    let callers: Int
    let seconds: Int

    static let heading = "run                     req/s   CPU us/req  req/s/core    p50 ms    p99 ms  failed"

    /// Makes one run, prints its line, and gives the requests per second of the program's processor time.
    @discardableResult
    func line(_ name: String, _ request: @escaping @Sendable (_ caller: Int) async -> String?) async throws -> Double {
        _ = await LoadRun.run(callers: callers, seconds: 1, request)
        guard let before = ProcessUsage(of: process) else { throw BenchError("The program ended.") }
        let result = await LoadRun.run(callers: callers, seconds: seconds, request)
        guard let after = ProcessUsage(of: process) else { throw BenchError("The program ended.") }
        let processor = (after.processorSeconds - before.processorSeconds) / Double(max(1, result.completed))
        let columns = [
            Figure.text(result.rate, 8), Figure.text(processor * 1e6, 12), Figure.text(1 / processor, 11),
            Figure.text(result.percentile(0.5), 9, digits: 2), Figure.text(result.percentile(0.99), 9, digits: 2),
            Figure.text(Double(result.failed), 7),
        ]
        print(Figure.name(name, 22) + columns.joined(separator: " "))
        if let failure = result.failure { print("  failed: \(failure)") }
        return 1 / processor
    }
}
