import ArgumentParser
import Broker
import FoundationEssentials

/// The operator's look at the stored policies, past the admin routes: for when somebody wrote to the database.
struct PoliciesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policies",
        abstract: "Says whether the stored policies are as the brokers left them; exit status 1 when they are not.",
        discussion: """
            Lists every row with the digest of what it holds, what was changed past the brokers, and a digest of all rows. \
            With --adopt DIGEST the operator vouches for exactly these rows, and brokers believe them from then on. Rows \
            that hold something else than they say are not adopted.
            """)

    @Option(name: .long, help: "Configuration file (YAML). Environment: CLAVIGER_CONFIG.")
    var config: String?

    @Option(name: .long, help: "Seal the rows that have this digest.")
    var adopt: String?

    @Flag(
        name: .long,
        help:
            "Adopt signed bundles also when they are older than those before, gone, or nobody knows: the seal is lost.")
    var allowOlderBundles = false

    func run() async throws {
        do {
            let settings = try BrokerCommand.settings(file: config, ProcessInfo.processInfo.environment)
            if let adopt {
                let generation = try await PolicyInspection.adopt(
                    rowDigest: adopt, allowingOlderBundles: allowOlderBundles, settings)
                print("adopted as generation \(generation)")
                return
            }
            let inspection = try await PolicyInspection(settings)
            for row in inspection.rows { print(printable(row)) }
            print("generation \(inspection.generation), digest of the rows \(inspection.rowDigest)")
            let findings = inspection.violations + inspection.mismatches + inspection.bundleSetbacks
            guard !findings.isEmpty else { return print("as the brokers left them") }
            for finding in findings { print(printable(finding)) }
        } catch let error as ConfigurationError {
            throw StartupFailure(message: error.message)
        } catch let error as BrokerError {
            throw StartupFailure(message: error.message)
        }
        throw ExitCode.failure
    }

    /// Rows that somebody else wrote must not drive the terminal.
    private func printable(_ text: String) -> String {
        String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}
