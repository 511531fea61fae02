import ArgumentParser
import Encodings
import JOSE
import Measurement
import Verification

struct PEFInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show what can be seen of an ESM blob without a key, and what its owner says of it.",
        discussion: "Exit status 1 when the statement is not this owner's, or is about another blob or other machines.")

    @Argument(help: "The blob.")
    var blob: String

    @Option(help: "The statement about the blob.")
    var statement: String?

    @Option(help: "The file with the owner's public key (PEM), which the statement must be signed by.")
    var ownerKey: String?

    func validate() throws {
        if (statement == nil) != (ownerKey == nil) { throw ValidationError("Give --statement with --owner-key.") }
    }

    func run() throws { Terminal.write(try report().serializedString()) }

    /// What is in the blob, and in the statement where there is one.
    func report() throws -> JSONValue {
        let bytes = try InputFile.read(blob, limit: FlattenedDeviceTree.maximumSize)
        let content = try ESMBlob(parsing: bytes)
        var report: JSONObject = [
            "lockboxes": .array(
                content.lockboxes.map {
                    ["fingerprint": .string(Hex.encode($0.fingerprint)), "comment": .string($0.comment)]
                }),
            "files": .array(content.fileNames.map(JSONValue.string)),
        ]
        guard let statement, let ownerKey else { return .object(report) }
        let owner = try VerificationKey(pem: InputFile.text(ownerKey, limit: 65_536))
        let text = try InputFile.text(statement, limit: 65_536)
        let (stated, fingerprint) = try ESMStatement.verified(text.filter { !$0.isNewline }, by: [owner])
        let boxes = Set(content.lockboxes.dropFirst().map(\.fingerprint))
        guard stated.isAbout(bytes), stated.machines == boxes else {
            throw CommandFailure("the statement is about another blob, or other machines")
        }
        report["blob"] = .string(Hex.encode(stated.blob))
        report["owner"] = .string(Hex.encode(fingerprint))
        report["digests"] = .object(stated.digests)
        return .object(report)
    }
}
