import ArgumentParser
import Encodings
import JOSE
import Policy

struct PolicyVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Check a signed bundle as a broker would, and say what is in it.")

    @Argument(help: "The signed bundle, or - for standard input.")
    var bundle: String

    @Option(parsing: .upToNextOption, help: "Files with the public keys that are trusted: PEM, JWK or JWK set.")
    var keys: [String]

    @Option(help: "How many different keys must have signed.")
    var threshold = 1

    @OptionGroup var output: OutputOptions

    func run() throws {
        let keys = try keys.flatMap { path in
            try TrustedPolicyKeys.keys(inFile: InputFile.read(path, limit: 1 << 20))
        }
        let signed = try PolicySignCommand.read(bundle)
        let signers = try TrustedPolicyKeys(keys, threshold: threshold).signers(of: signed)
        let content = signed.content
        let answer: JSONValue = [
            "name": .string(content.name), "serial": .int(content.serial), "digest": .string(content.digest),
            "signers": .array(
                signers.map { signer in
                    [
                        "keyId": .string(signer.keyID), "thumbprint": .string(signer.thumbprint),
                        "algorithm": .string(signer.algorithm.rawValue),
                    ]
                }),
            "documents": .array(
                content.documents.map { document in
                    ["policy": .string(document.identifier), "digest": .string(document.digest)]
                }),
        ]
        output.print(answer) { Self.text(content, signers) }
    }

    private static func text(_ content: PolicyBundleContent, _ signers: [DetachedSigner]) -> String {
        var text = "bundle  \(content.name)\nserial  \(content.serial)\ndigest  \(content.digest)\n"
        for signer in signers {
            let name = signer.keyID == signer.thumbprint ? "" : " (\(signer.keyID.printable))"
            text += "signed  \(signer.algorithm.rawValue) by \(signer.thumbprint)\(name)\n"
        }
        var table = Table(["POLICY", "DIGEST"])
        for document in content.documents { table.add([document.identifier, String(document.digest.prefix(12))]) }
        return text + table.text()
    }
}
