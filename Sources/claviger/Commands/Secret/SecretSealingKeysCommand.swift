import AdminClient
import ArgumentParser
import Encodings

struct SecretSealingKeysCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sealing-keys", abstract: "Print the public keys to which values are sealed for a broker.",
        discussion: """
            Keep what is printed in a file, and seal-to-broker needs no connection. Whoever could change it could read what \
            is sealed to it: fetch it over TLS from the broker that you mean. --rotate needs an admin token; the former key \
            opens for another 90 days.
            """)

    @Flag(help: "Make a new key the one to seal to, first.")
    var rotate = false

    @OptionGroup var broker: BrokerOptions

    func run() async throws {
        let keys = try await rotate ? broker.adminClient().rotateSealingKey() : broker.openClient().sealingKeys()
        Terminal.write(keys.pretty() + "\n")
    }
}
