import Synchronization

/// What one load run measured.
struct LoadResult: Sendable {
    /// Requests that ended with the expected status.
    let completed: Int
    /// Requests that did not, with one example of why.
    let failed: Int
    let failure: String?
    /// Wall-clock seconds of the run.
    let seconds: Double
    /// Latencies in milliseconds, rising.
    let latencies: [Double]

    var rate: Double { Double(completed) / seconds }

    func percentile(_ share: Double) -> Double {
        guard !latencies.isEmpty else { return .nan }
        return latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))]
    }
}

/// Sends requests from a fixed number of callers, each with one request in flight, until the time is over.
enum LoadRun {
    /// A reason, when a request failed.
    typealias Failure = String

    private struct Caller {
        var latencies: [Double] = []
        var failed = 0
        var failure: String?
    }

    static func run(
        callers: Int, seconds: Int, _ request: @escaping @Sendable (_ caller: Int) async -> Failure?
    ) async -> LoadResult {
        let clock = ContinuousClock()
        let start = clock.now
        let end = start + .seconds(seconds)
        let results = await withTaskGroup(of: Caller.self, returning: [Caller].self) { group in
            for number in 0..<callers {
                group.addTask {
                    var caller = Caller()
                    while clock.now < end {
                        let began = clock.now
                        let failure = await request(number)
                        if let failure {
                            caller.failed += 1
                            caller.failure = failure
                        } else {
                            caller.latencies.append((clock.now - began) / .milliseconds(1))
                        }
                    }
                    return caller
                }
            }
            var all: [Caller] = []
            for await caller in group { all.append(caller) }
            return all
        }
        let elapsed = (clock.now - start) / .seconds(1)
        let latencies = results.flatMap(\.latencies).sorted()
        return LoadResult(
            completed: latencies.count, failed: results.reduce(0) { $0 + $1.failed },
            failure: results.lazy.compactMap(\.failure).first, seconds: elapsed, latencies: latencies)
    }
}
