import ArgumentParser
import Encodings

struct ResourcePutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Store a new version of a resource.",
        discussion: "The bytes come from a file or from standard input, never from the command line.")

    @Argument(help: "REPOSITORY/TYPE/TAG")
    var resource: ResourceArgument

    @Option(name: [.short, .long], help: "The file with the bytes; - is standard input.")
    var file = "-"

    @Option(help: "Store this many fresh random bytes in place of a file's.")
    var random: Int?

    @OptionGroup var broker: BrokerOptions

    func validate() throws {
        if let random, !(1...65_536).contains(random) { throw ValidationError("--random takes 1 to 65536") }
    }

    func run() async throws {
        let client = try broker.adminClient()
        let value: SecretBytes
        if let random {
            value = .random(count: random)
        } else {
            var bytes = try InputFile.read(file, limit: 64 << 20)
            value = SecretBytes(wiping: &bytes)
        }
        try await client.putResource(resource.path, value)
        Terminal.note("\(resource.uri) stored (\(value.count) bytes)")
    }
}
