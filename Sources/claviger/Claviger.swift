import ArgumentParser
import Telemetry

/// The admin's and the CI's program.
struct Claviger: AsyncParsableCommand {
    static let versionText = Release.version

    static let configuration = CommandConfiguration(
        commandName: "claviger",
        abstract: "Key broker for confidential workloads: policies, resources, images, decisions.",
        discussion: """
            The broker is found by --url, --ca and --token-file, by CLAVIGER_URL, CLAVIGER_CA and CLAVIGER_TOKEN_FILE, or \
            by what `claviger dev` wrote into its state folder (--home, CLAVIGER_HOME, ~/.claviger, for root /var/lib/claviger), in this order.

            EXIT STATUS: 0 done; 1 failed, or differences or findings were reported; 2 denied; 3 not found; \
            4 broker not reachable; 64 wrong usage.
            """,
        version: versionText,
        subcommands: [
            DevCommand.self, PolicyCommand.self, ResourceCommand.self, ReferenceCommand.self, ExplainCommand.self,
            DecisionsCommand.self, ClaimsCommand.self, ApproveCommand.self, ApprovalsCommand.self,
            LimitsCommand.self, PlatformsCommand.self, AttestCommand.self, EvidenceCommand.self, CollateralCommand.self,
            ImageCommand.self, SecretCommand.self, InitDataCommand.self, MeasureCommand.self, PEFCommand.self,
            KeyCommand.self,
            RevokeCommand.self, AdminCommand.self, KubectlCommand.self, CRDCommand.self, SchemaCommand.self,
            VersionCommand.self, CompletionCommand.self,
        ])
}

@main
enum Program {
    static func main() async {
        let isPlugin = KubectlPlugin.isMeant(by: CommandLine.arguments.first)
        let root: any ParsableCommand.Type = isPlugin ? KubectlPlugin.self : Claviger.self
        do {
            var command = try root.parseAsRoot()
            if var asynchronous = command as? any AsyncParsableCommand {
                try await asynchronous.run()
            } else {
                try command.run()
            }
            try Terminal.requireComplete()
        } catch {
            guard let failure = CommandFailure(describing: error) else { root.exit(withError: error) }
            Terminal.complain(failure.message)
            root.exit(withError: ExitCode(failure.status.rawValue))
        }
    }
}
