import ArgumentParser
import Encodings
import FoundationEssentials
import KBSProtocol

struct ReferencePutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Register reference values.",
        discussion: """
            claviger reference put NAME VALUE… registers a list of strings (measurements), which is what appraisal \
            policies mostly compare with. --json takes VALUE as JSON; --file takes a JSON object of names and values; \
            --records takes what the reference broker's provider has stored, with its expirations.
            """)

    @Argument(help: "The value's name, for example launch_digest.")
    var name: String?

    @Argument(help: "The accepted values.")
    var values: [String] = []

    @Flag(help: "VALUE is JSON and stored as it is.")
    var json = false

    @Option(name: [.short, .long], help: "A JSON file with names and values; - is standard input.")
    var file: String?

    @Option(help: "A JSON file with a stored record of the reference broker, or a list of such; - is standard input.")
    var records: String?

    @OptionGroup var broker: BrokerOptions

    func validate() throws {
        let isNamed = name != nil && !values.isEmpty
        guard [file != nil, records != nil, isNamed].count(where: \.self) == 1, isNamed || name == nil else {
            throw ValidationError("give NAME and VALUE, or --file, or --records")
        }
        if json, values.count != 1 { throw ValidationError("--json takes exactly one VALUE") }
    }

    func run() async throws {
        let client = try broker.adminClient()
        if let file {
            guard let object = try JSONValue(parsing: InputFile.read(file, limit: 2 << 20)).objectValue else {
                throw CommandFailure("\(file) is no JSON object of names and values")
            }
            try await client.registerReferenceValues(object)
            Terminal.note("\(object.count) reference values registered")
        } else if let records {
            let json = try JSONValue(parsing: InputFile.read(records, limit: 2 << 20))
            let all = try (json.arrayValue ?? [json]).map { try ReferenceValueRecord($0) }
            for record in all {
                try await client.putReferenceValue(
                    record.name, record.value, expires: record.expiration.formatted(.iso8601))
            }
            Terminal.note("\(all.count) reference values registered")
        } else if let name {
            let value =
                json ? try JSONValue(parsing: Array(values[0].utf8)) : .array(values.map { .string($0) })
            try await client.putReferenceValue(name, value)
            Terminal.note("reference value \(name) registered")
        }
    }
}
