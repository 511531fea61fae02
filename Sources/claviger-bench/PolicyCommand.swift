import ArgumentParser
import Encodings
import FoundationEssentials
import Policy
import RATS

/// Measures compiling and deciding, on one core and without a broker.
struct PolicyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policy", abstract: "Prints how fast policies compile and decide.",
        discussion: """
            Each policy is about the resources of another tenant. A decision is about one of them and has a trace; it must \
            not take longer because of the others. Figures are in processor time of one thread.
            """)

    @Option(help: "Seconds of each run.")
    var seconds = 2

    func run() throws {
        let text = PolicyLoad.policies(1_000)
        let start = ThreadTime.seconds
        let bundle = try PolicyBundle(PolicyParser.parse(text, source: "bench.yaml"))
        let compiling = ThreadTime.seconds - start
        print("compile 1000 policies  \(Figure.text(compiling * 1e3, 8)) ms  (\(bundle.documents.count) documents)")
        print("policies present    decisions/s/core     us/decision  (target 200000)")
        for count in [10, 100, 1_000] {
            let rate = try decisionsPerSecond(policies: count)
            print(Figure.name("\(count)", 16) + Figure.text(rate, 20) + Figure.text(1e6 / rate, 16, digits: 2))
        }
    }

    private func decisionsPerSecond(policies count: Int) throws -> Double {
        let bundle = try PolicyBundle(PolicyParser.parse(PolicyLoad.policies(count), source: "bench.yaml"))
        let requests = try PolicyLoad.requests(count)
        for request in requests where !bundle.decide(request).allowed {
            throw BenchError("A request that must be allowed was denied: \(bundle.decide(request).message)")
        }
        let start = ThreadTime.seconds
        let end = ContinuousClock.now + .seconds(seconds)
        var decided = 0
        while ContinuousClock.now < end {
            for request in requests where bundle.decide(request).allowed { decided += 1 }
        }
        return Double(decided) / (ThreadTime.seconds - start)
    }
}
