import ArgumentParser
import Encodings
import KBSProtocol

struct ResourceGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Fetch a resource as a guest does: by attestation.",
        discussion: """
            There is no way to read a resource with an admin token. The bytes go to --output (mode 0600), or to standard \
            output when that is no terminal.
            """)

    @Argument(help: "REPOSITORY/TYPE/TAG")
    var resource: ResourceArgument

    @Option(help: "The file to write; one that exists is replaced.")
    var output: String?

    @Flag(help: "Print the bytes even to a terminal.")
    var force = false

    @OptionGroup var guest: GuestOptions
    @OptionGroup var broker: BrokerOptions

    func run() async throws {
        guard output != nil || force || !Terminal.outputIsTerminal else {
            throw CommandFailure("secret bytes do not go to a terminal: give --output FILE, or --force")
        }
        let value = try await guest.client(broker).resource(try ResourceURI(resource.uri))
        if let output {
            try PrivateFile.replace(output, value.copyBytes())
            Terminal.note("\(resource.uri) written to \(output) (\(value.count) bytes)")
        } else {
            Terminal.write(value.copyBytes())
        }
    }
}
