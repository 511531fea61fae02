import ArgumentParser
import Encodings
import KBSProtocol

struct InitDataShowCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Show what a document holds.",
        discussion: "With --file the exact text of that file, with --toml the exact document.")

    @Argument(help: "The document in any form; - for standard input.")
    var document: String

    @Option(help: "The name of a file in the document.")
    var file: String?

    @Flag(help: "Print the TOML.")
    var toml = false

    @OptionGroup var output: OutputOptions

    func run() throws {
        let initData = try InitDataDocument.read(document)
        if toml { return Terminal.write(Array(initData.text.utf8)) }
        if let file {
            guard let entry = initData.entries.first(where: { $0.name.utf8.elementsEqual(file.utf8) }) else {
                throw CommandFailure("the document has no file \(file)", status: .notFound)
            }
            return Terminal.write(Array(entry.content.utf8))
        }
        let files = initData.entries.map { entry -> JSONValue in
            ["name": .string(entry.name), "bytes": .int(Int64(entry.content.utf8.count))]
        }
        let report: JSONValue = [
            "algorithm": .string(initData.algorithm.rawValue), "digest": .string(Hex.encode(initData.digest)),
            "bytes": .int(Int64(initData.text.utf8.count)), "files": .array(files),
        ]
        output.print(report) { YAMLText.text(report) }
        for objection in initData.objectionsOfKata { Terminal.note("note: \(objection)") }
    }
}
