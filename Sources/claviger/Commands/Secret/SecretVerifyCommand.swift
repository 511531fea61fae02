import ArgumentParser
import Encodings
import Guest
import JOSE

struct SecretVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify", abstract: "Say what a sealed secret says, and whether a key signed it.",
        discussion:
            "Without --key the signature is not checked. With --key a signature of none of the keys ends with status 2."
    )

    @Argument(help: "The file with the sealed text; - for standard input.")
    var file: String

    @Option(help: "A public key (JWK), or a folder of such. Can be repeated.")
    var key: [String] = []

    @OptionGroup var output: OutputOptions

    func run() throws {
        let text = try InputFile.text(file, limit: SealedText.maximumBytes + 1)
        let sealed = try SealedText(text.hasSuffix("\n") ? String(text.dropLast()) : text)
        let signer = try SealedSecretTrust.keys(at: key).first { (try? sealed.secret(signedWith: $0)) != nil }
        let secret = try signer.map(sealed.secret(signedWith:)) ?? sealed.unverifiedSecret()
        let verdict =
            key.isEmpty ? "not checked: give --key" : signer.map { "valid, of the key \($0.thumbprint)" } ?? "not valid"
        var report: JSONObject = ["signature": .string(verdict), "kid": .string(sealed.keyID)]
        for (name, value) in secret.json { report[name] = value }
        output.print(.object(report)) { YAMLText.text(.object(report)) }
        guard key.isEmpty || signer != nil else {
            throw CommandFailure("\(file) is signed with none of the given keys", status: .denied)
        }
    }
}
