import ArgumentParser
import Encodings
import FoundationEssentials
import JOSE
import Measurement
import Policy
import Verification

struct ReferenceSignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Sign the values of a ReferenceValues document as an in-toto statement (DSSE).",
        discussion: """
            The document is one that claviger measure wrote, or any other. Its values that are accepted go into the \
            statement, and it is the statement's subject.
            """)

    @Argument(help: "The document, YAML; - is standard input.")
    var document: String

    @Option(help: "The file with the private key: EC (P-256 or P-384), PEM, not encrypted.")
    var key: String

    @Option(help: "A number above that of every older manifest of this name, or auto: the seconds since 1970.")
    var manifestVersion = SerialArgument.automatic

    @Option(
        help:
            "From when on the values count no longer, such as 2027-06-30T00:00:00Z; by default the first end in the document."
    )
    var validUntil: String?

    @Option(help: "Who or what built what was measured.")
    var builtBy: String?

    @Option(name: [.customShort("o"), .long], help: "The file to write; one that exists is replaced.")
    var output: String

    func run() throws {
        let signer = try SigningKey(pem: InputFile.text(key, limit: 65_536))
        guard [.es256, .es384].contains(signer.algorithm) else {
            throw CommandFailure("\(key) holds no private key on P-256 or P-384")
        }
        let text = try InputFile.text(document, limit: 4 << 20)
        let documents = try PolicyParser.parse(text, source: document)
        guard documents.count == 1, let content = documents.first, case .referenceValues(let spec) = content.spec else {
            throw CommandFailure("\(document) is not one ReferenceValues document")
        }
        let entries = spec.values.filter { $0.state == .accepted }
        guard !entries.isEmpty else { throw CommandFailure("\(document) has no accepted value") }
        let now = Date()
        let version: Int64 =
            if case .chosen(let number) = manifestVersion { number } else { Int64(now.timeIntervalSince1970) }
        let statement = ReferenceStatement(
            name: content.name, version: version, issuedAt: now,
            validUntil: try end() ?? entries.compactMap(\.validUntil).min(), builtBy: builtBy,
            subject: (content.name, try RegisterHash.sha256.digest(of: MemoryArtifact(Array(text.utf8)))),
            values: entries.map { ($0.name, $0.value) })
        try PrivateFile.replace(
            output, statement.envelope(signature: try signer.sign(statement.signingInput)), mode: 0o644)
        Terminal.note("wrote \(output): \(content.name), version \(version), \(entries.count) values")
    }

    private func end() throws -> Date? {
        guard let validUntil else { return nil }
        guard let date = TimestampText.date(validUntil) else {
            throw CommandFailure("--valid-until takes a time such as 2027-06-30T00:00:00Z")
        }
        return date
    }
}
