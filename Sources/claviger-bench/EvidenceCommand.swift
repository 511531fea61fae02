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
            in this run: one on P-384 for an SEV-SNP report and an enclave's document, two for a realm's token, two on P-256 for a \
            quote (that of the quoting enclave's report and that of the quote), one of RSA for a TPM's, three of SM2 for \
            Hygon's; for a launch of SEV-ES a session's key and agreement on P-384. Secure Execution has no signatures, \
            and no bound. Figures are in processor time of one core.
            """)

    @Option(help: "Seconds of each run.")
    var seconds = 2

    @Option(help: "Only the kinds whose name begins with this.")
    var only = ""

    func run() async throws {
        var rates: [SignatureBound.Kind: Double] = [:]
        for kind in SignatureBound.Kind.allCases { rates[kind] = try SignatureBound.perSecond(kind, seconds: seconds) }
        print(
            "raw signatures/s/core: P-384 \(Figure.text(rates[.reports] ?? 0, 0)), "
                + "P-256 \(Figure.text((rates[.quotes] ?? 0) * 2, 0)), RSA-2048 \(Figure.text(rates[.tpmQuotes] ?? 0, 0)), "
                + "SM2 \(Figure.text((rates[.hygonReports] ?? 0) * 3, 0))"
        )
        print("verifications/s/core      cold      warm     bound   warm/bound   target")
        for load in try await EvidenceLoad.all() where load.name.hasPrefix(only) {
            let bound = 1 / load.signatures.reduce(0) { $0 + 1 / (rates[$1] ?? .infinity) }
            let cold = try await load.verificationsPerSecond(seconds: seconds, isCold: true)
            let warm = try await load.verificationsPerSecond(seconds: seconds, isCold: false)
            let target = load.target.map { Figure.text($0 * 100, 7) + " %" } ?? ""
            let figures = Figure.name(load.name, 20) + Figure.text(cold, 10) + Figure.text(warm, 10)
            guard !load.signatures.isEmpty else {
                print(figures)
                continue
            }
            print(figures + Figure.text(bound, 10) + Figure.text(warm / bound * 100, 11) + " %" + target)
        }
    }
}
