import ArgumentParser
import Encodings
import Glibc
import JOSE

struct SecretKeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen", abstract: "Make a key pair that seals secrets.",
        discussion:
            "Writes KID-private.json (mode 0600) and KID-public.json, EC keys on P-256 as JWK; overwrites nothing.")

    @Option(help: "The key's name, which the files have too.")
    var kid = "sealed-signing"

    @Option(help: "The folder for the files.")
    var outputDir = "."

    func validate() throws {
        guard !kid.isEmpty, !kid.hasPrefix("."), !kid.contains("/"), kid.utf8.allSatisfy({ (0x21...0x7E).contains($0) })
        else { throw ValidationError("--kid is part of a file's name: visible ASCII without a slash") }
    }

    func run() throws {
        let privatePath = "\(outputDir)/\(kid)-private.json"
        let publicPath = "\(outputDir)/\(kid)-public.json"
        let key = try SigningKey.generate(.es256)
        try PrivateFile.create(publicPath, document(key.publicJWK), mode: 0o644)
        do {
            try PrivateFile.create(privatePath, document(key.privateJWK()))
        } catch {
            // The public half of a key that nobody has would only mislead.
            unlink(publicPath)
            throw error
        }
        Terminal.note("wrote \(privatePath) (keep it from everybody) and \(publicPath) (for the broker, or the guests)")
    }

    private func document(_ jwk: JSONObject) -> [UInt8] {
        var named = jwk
        named["use"] = "sig"
        named["kid"] = .string(kid)
        return Array((JSONValue.object(named).pretty() + "\n").utf8)
    }
}
