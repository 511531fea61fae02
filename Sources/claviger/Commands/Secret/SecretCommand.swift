import ArgumentParser

struct SecretCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "secret", abstract: "Seal secrets for guests, and look at sealed ones.",
        discussion: """
            A sealed secret is a text that may lie in the open: it says where a guest fetches the value (vault) or holds the \
            value encrypted (envelope), and is signed. Guests believe it if they know the signing key; see \
            docs/agent-secrets.md.

            A value for a BrokeredSecret is sealed to a broker instead, which alone can open it: sealing-keys and \
            seal-to-broker; see docs/brokered-secrets.md.
            """,
        subcommands: [
            SecretKeygenCommand.self, SecretSealCommand.self, SecretUnsealCommand.self, SecretVerifyCommand.self,
            SecretSealingKeysCommand.self, SecretSealToBrokerCommand.self,
        ])
}
