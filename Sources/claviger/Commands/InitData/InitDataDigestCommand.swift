import ArgumentParser
import Encodings
import KBSProtocol
import RATS

struct InitDataDigestCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "digest", abstract: "Print a document's digest, and what each kind of hardware shows of it.")

    @Argument(help: "The document in any form; - for standard input.")
    var document: String

    @OptionGroup var output: OutputOptions

    func run() throws {
        let initData = try InitDataDocument.read(document)
        let report = Self.report(initData)
        output.print(report) { Self.text(initData, report) }
    }

    static func report(_ document: InitData) -> JSONValue {
        let measured = TEE.allCases.compactMap { tee -> JSONValue? in
            guard let measurement = document.measurement(on: tee) else { return nil }
            return [
                "tee": .string(tee.rawValue), "field": .string(measurement.field),
                "value": .string(Hex.encode(measurement.value)),
            ]
        }
        return [
            "algorithm": .string(document.algorithm.rawValue), "digest": .string(Hex.encode(document.digest)),
            "base64": .string(Base64.encode(document.digest)), "measured": .array(measured),
        ]
    }

    private static func text(_ document: InitData, _ report: JSONValue) -> String {
        var table = Table(["TEE", "FIELD", "VALUE"])
        for row in report["measured"]?.arrayValue ?? [] {
            guard let row = row.objectValue else { continue }
            table.add(["tee", "field", "value"].map(row.cell))
        }
        let note =
            document.digest.count == 32
            ? "" : "\nA TPM, also that of an Azure guest, takes digests of 32 bytes only: build with sha256.\n"
        return "\(document.algorithm.rawValue) \(Hex.encode(document.digest))\n\n\(table.text())\(note)"
    }
}
