import ArgumentParser
import Encodings

struct ReferenceSeenCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seen",
        abstract: "List the measurements that guests showed, the newest first, and which values name them."
    )

    @Flag(help: "Only those that no reference value names.")
    var unknown = false

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let seen = try await broker.adminClient().measurements().filter { !unknown || $0["names"] == [] }
        output.print(
            seen, empty: "no measurement was seen",
            columns: [
                ("FIRST SEEN", { $0.cell("firstSeen") }), ("LAST SEEN", { $0.cell("lastSeen") }),
                ("TEE", { $0.cell("tee") }), ("CLAIM", { $0.cell("claim") }),
                ("NAMED BY", { ReferenceNames.text($0["names"]) }), ("VALUE", { $0.cell("value").printable }),
            ])
    }
}
