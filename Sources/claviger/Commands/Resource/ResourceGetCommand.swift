import ArgumentParser
import Encodings
import Guest
import KBSProtocol

struct ResourceGetCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "get", abstract: "Fetch a resource as a guest does: by attestation.",
        discussion: """
            There is no way to read a resource with an admin token. The bytes go to --output (mode 0600), or to standard \
            output when that is no terminal. With --expect-denied nothing is written: exit status 0 says that the broker \
            denied it, for checks of an installation.
            """)

    @Argument(help: "REPOSITORY/TYPE/TAG")
    var resource: ResourceArgument

    @Option(help: "The file to write; one that exists is replaced.")
    var output: String?

    @Flag(help: "Print the bytes even to a terminal.")
    var force = false

    @Flag(help: "Succeed when the broker believes this guest and denies it the resource, and fail when not.")
    var expectDenied = false

    @OptionGroup var guest: GuestOptions
    @OptionGroup var broker: BrokerOptions

    func run() async throws {
        if expectDenied { return try await expectDenial() }
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

    private func expectDenial() async throws {
        let client = try guest.client(broker)
        let uri = try ResourceURI(resource.uri)
        // Who is not believed is denied everything: that would say nothing about the policies.
        _ = try await client.token()
        do throws(GuestError) {
            _ = try await client.resource(uri)
        } catch {
            guard error.code == .denied else { throw error }
            Terminal.note("\(resource.uri) is denied, as expected")
            return
        }
        throw CommandFailure("the broker gives out \(resource.uri), which should be denied")
    }
}
