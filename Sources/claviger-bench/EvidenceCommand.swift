import ArgumentParser
import Encodings
import RATS

/// Measures verifying evidence, on one core and without a broker.
struct EvidenceCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "evidence", abstract: "Prints how fast evidence is verified.",
        discussion: """
            Evidence is simulated, each piece fresh and in the JSON text that guests send, and verified to the last field. \
            Warm means that the machine was seen before and its collateral has not changed; cold that the verifier has seen \
            nothing yet. The bound is what could be reached if a verification were its signatures alone, in swift-crypto and \
            in this run: one on P-384 for an SEV-SNP report, two on P-256 for a quote (that of the quoting enclave's report and \
            that of the quote). Figures are in processor time of one core.
            """)

    @Option(help: "Seconds of each run.")
    var seconds = 2

    @Option(help: "Only the kinds whose name begins with this.")
    var only = ""

    func run() async throws {
        let snp = try SignatureBound.perSecond(.reports, seconds: seconds)
        let quotes = try SignatureBound.perSecond(.quotes, seconds: seconds)
        print("raw signatures/s/core: P-384 \(Figure.text(snp, 0)), P-256 \(Figure.text(quotes * 2, 0))")
        print("verifications/s/core      cold      warm     bound   warm/bound   target")
        for load in try EvidenceLoad.all() where load.name.hasPrefix(only) {
            let bound = load.tee == .snp ? snp : quotes
            let cold = try await load.verificationsPerSecond(seconds: seconds, isCold: true)
            let warm = try await load.verificationsPerSecond(seconds: seconds, isCold: false)
            let target = load.target.map { Figure.text($0 * 100, 7) + " %" } ?? ""
            print(
                Figure.name(load.name, 20) + Figure.text(cold, 10) + Figure.text(warm, 10) + Figure.text(bound, 10)
                    + Figure.text(warm / bound * 100, 11) + " %" + target)
        }
    }
}
