import ArgumentParser
import Broker
import FoundationEssentials

/// The operator's look at the stored policies, past the admin routes: for when somebody wrote to the database.
struct PoliciesCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "policies",
        abstract: "Says whether the stored policies are as the brokers left them; exit status 1 when they are not.",
        discussion: """
            Lists every row, what was changed past the brokers, and a digest of the rows. With --adopt DIGEST the operator \
            vouches for exactly these rows, and brokers believe them from then on.
            """)

    @Option(name: .long, help: "Configuration file (YAML). Environment: CLAVIGER_CONFIG.")
    var config: String?

    @Option(name: .long, help: "Seal the rows that have this digest.")
    var adopt: String?

    func run() async throws {
        do {
            let settings = try BrokerCommand.settings(file: config, ProcessInfo.processInfo.environment)
            if let adopt {
                let generation = try await PolicyInspection.adopt(rowDigest: adopt, settings)
                print("adopted as generation \(generation)")
                return
            }
            let inspection = try await PolicyInspection(settings)
            for row in inspection.rows { print(printable(row)) }
            print("generation \(inspection.generation), digest of the rows \(inspection.rowDigest)")
            guard !inspection.violations.isEmpty else { return print("as the brokers left them") }
            for violation in inspection.violations { print(printable(violation)) }
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
