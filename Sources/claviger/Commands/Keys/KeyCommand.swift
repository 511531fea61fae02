import AdminClient
import ArgumentParser

struct KeyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "key", abstract: "The keys that sign attestation tokens.",
        subcommands: [KeyListCommand.self, KeyRotateCommand.self], defaultSubcommand: KeyListCommand.self)
}

struct KeyListCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "list", abstract: "List the keys whose tokens are accepted.")

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        output.print(
            try await broker.adminClient().signingKeys(), empty: "no key",
            columns: [
                ("ID", { $0.cell("id") }), ("CREATED", { $0.cell("createdAt") }),
                ("ACCEPTED UNTIL", { $0.cell("acceptedUntil") }),
                ("ACTIVE", { $0.cell("active") }),
            ])
    }
}

struct KeyRotateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rotate", abstract: "Sign with a new key from now on.",
        discussion: "Tokens of the former key are accepted until token.rotationOverlap has passed.")

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let key = try await broker.adminClient().rotateSigningKey()
        output.print(key) { "tokens are signed by a new key\n" }
    }
}
