import ArgumentParser
import Encodings
import Verification

struct ReferenceImportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import", abstract: "Have the broker take the values of signed manifests over.",
        discussion: """
            The broker checks the signature, that its signer was granted every name in the manifest, that it is not over and \
            that no later version of it was imported; see referenceValues.signers in docs/operations.md.
            """)

    @Argument(
        help: "Manifests as they were signed: in-toto in DSSE, CoRIM, endorsements of utility VMs; - is standard input."
    )
    var manifests: [String]

    @Flag(help: "Only say what would become of them.")
    var dryRun = false

    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        let client = try broker.adminClient()
        let files = try manifests.map { try InputFile.read($0, limit: SignedManifest.maximumBytes) }
        var answers: [JSONObject] = []
        for file in files { answers.append(try await client.importReferenceManifest(file, dryRun: dryRun)) }
        output.print(
            answers, empty: "nothing imported",
            columns: [
                ("SIGNER", { $0.cell("signer") }), ("MANIFEST", { $0.cell("manifest").printable }),
                ("VERSION", { $0.cell("version") }), ("CHANGE", { $0.cell("change") }),
                ("UNTIL", { $0.cell("validUntil") }), ("NAMES", { ReferenceNames.text($0["values"]) }),
            ])
    }
}

/// The names of an answer's values.
enum ReferenceNames {
    static func text(_ values: JSONValue?) -> String {
        (values?.arrayValue ?? []).compactMap { $0["name"]?.stringValue ?? $0.stringValue }.joined(separator: ", ")
            .printable
    }
}
