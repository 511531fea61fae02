import ArgumentParser
import Encodings

struct ReferenceShowCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show",
        abstract: "All that is known of a reference value: what it says, where it comes from, who asks for it."
    )

    @Argument(help: "The value's name.")
    var name: String

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try broker.adminClient()
        let values = try await client.referenceValues().filter { $0["name"] == .string(name) }
        let users = try await client.referenceValueUsers(name)
        guard !values.isEmpty || !users.isEmpty else {
            throw CommandFailure("there is no reference value \(name), and no policy asks for one", status: .notFound)
        }
        let answer: JSONValue = [
            "name": .string(name), "values": .array(values.map { .object($0) }),
            "users": .array(users.map { .object($0) }),
        ]
        output.print(answer) { Self.text(values, users) }
    }

    private static func text(_ values: [JSONObject], _ users: [JSONObject]) -> String {
        var text = values.isEmpty ? "there is no such value\n" : ""
        for value in values {
            let end = value.cell("expires")
            let standing = value["counts"] == true ? "counts" : "does not count"
            text += "\(value.cell("state")), \(standing)\(end.isEmpty ? "" : ", until \(end)")\n"
            for element in value["value"]?.arrayValue ?? [value["value"] ?? .null] {
                text += "  \((element.stringValue ?? element.serializedString()).printable)\n"
            }
            text +=
                "  in \(value["document"] == nil ? "registered by \(value.cell("updatedBy"))" : value.cell("document"))\n"
            let provenance = value["provenance"]?.objectValue ?? [:]
            let facts = [
                ("of", value.cell("description")), ("from", provenance.cell("source")),
                ("digest", provenance.cell("digest")), ("built by", provenance.cell("builtBy")),
                ("signed by", provenance.cell("signedBy")), ("on", provenance.cell("date")),
            ]
            for (title, fact) in facts where !fact.isEmpty { text += "  \(title) \(fact.printable)\n" }
        }
        for user in users {
            let missing = user.cell("missing")
            text += "asked for by \(user.cell("policy"))\(missing.isEmpty ? "" : ": " + missing)\n"
        }
        return text
    }
}
