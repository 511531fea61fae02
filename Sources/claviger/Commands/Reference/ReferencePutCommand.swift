import ArgumentParser
import Encodings

struct ReferencePutCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "put", abstract: "Register reference values.",
        discussion: """
            claviger reference put NAME VALUE… registers a list of strings (measurements), which is what appraisal \
            policies mostly compare with. --json takes VALUE as JSON; --file takes a JSON object of names and values.
            """)

    @Argument(help: "The value's name, for example launch_digest.")
    var name: String?

    @Argument(help: "The accepted values.")
    var values: [String] = []

    @Flag(help: "VALUE is JSON and stored as it is.")
    var json = false

    @Option(name: [.short, .long], help: "A JSON file with names and values; - is standard input.")
    var file: String?

    @OptionGroup var broker: BrokerOptions

    func validate() throws {
        if file != nil, name != nil { throw ValidationError("give NAME and VALUE, or --file") }
        if file == nil, name == nil || values.isEmpty { throw ValidationError("give NAME and VALUE, or --file") }
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
        } else if let name {
            let value =
                json ? try JSONValue(parsing: Array(values[0].utf8)) : .array(values.map { .string($0) })
            try await client.putReferenceValue(name, value)
            Terminal.note("reference value \(name) registered")
        }
    }
}
