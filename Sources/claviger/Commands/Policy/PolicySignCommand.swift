import ArgumentParser
import FoundationEssentials
import JOSE
import Policy

struct PolicySignCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sign", abstract: "Put policies into a signed bundle.",
        discussion: """
            A bundle is the whole of what brokers have under its name: a document that a newer one lacks is gone. With \
            --cosign a signature is added to a bundle that exists, for brokers that want those of several people.
            """)

    @Option(
        name: [.short, .long], parsing: .upToNextOption, help: "YAML files, folders with such, or - for standard input."
    )
    var file: [String] = []

    @Option(help: "A signed bundle that gets one signature more, in place of --file.")
    var cosign: String?

    @Option(help: "The file with the private key: EC (P-256, P-384, P-521) or Ed25519, PEM, not encrypted.")
    var key: String

    @Option(help: "Names the key in the signature; by default by its thumbprint (RFC 7638).")
    var keyID: String?

    @Option(help: "The bundle's name. Bundles of different names stand beside each other.")
    var name = "default"

    @Option(help: "A number above that of every older bundle of this name, or auto: the seconds since 1970.")
    var serial = SerialArgument.automatic

    @Option(name: [.customShort("o"), .long], help: "The file to write; one that exists is replaced.")
    var output: String

    func validate() throws {
        guard file.isEmpty != (cosign == nil) else { throw ValidationError("Give either --file or --cosign.") }
    }

    func run() throws {
        let signer = try SigningKey(pem: InputFile.text(key, limit: 65_536))
        let bundle = try cosign.map { try Self.read($0).signed(with: signer, keyID: keyID) } ?? sign(with: signer)
        try PrivateFile.replace(output, bundle.serialized(), mode: 0o644)
        let content = bundle.content
        Terminal.note(
            "wrote \(output): \(content.name), serial \(content.serial), \(content.documents.count) documents, digest \(content.digest)"
        )
    }

    private func sign(with signer: SigningKey) throws -> SignedPolicyBundle {
        let content = try PolicyBundleContent(
            name: name, serial: try number(), documents: PolicyFiles(file).documents())
        return try SignedPolicyBundle(signing: content, with: signer, keyID: keyID)
    }

    /// Two bundles within a second must still differ, so an older one that is about to be replaced is looked at.
    private func number() throws -> Int64 {
        if case .chosen(let number) = serial { return number }
        let now = Int64(Date().timeIntervalSince1970)
        guard FileManager.default.fileExists(atPath: output), let old = try? Self.read(output).content,
            old.name == name
        else { return now }
        return max(now, old.serial + 1)
    }

    static func read(_ path: String) throws -> SignedPolicyBundle {
        try SignedPolicyBundle(parsing: InputFile.read(path, limit: SignedPolicyBundle.maximumBytes))
    }
}

/// `auto` or a whole number from 1 on.
enum SerialArgument: ExpressibleByArgument {
    case automatic
    case chosen(Int64)

    init?(argument: String) {
        if argument == "auto" {
            self = .automatic
        } else if let number = Int64(argument), (1...PolicyBundleContent.maximumSerial).contains(number) {
            self = .chosen(number)
        } else {
            return nil
        }
    }

    var defaultValueDescription: String {
        switch self {
        case .automatic: "auto"
        case .chosen(let number): String(number)
        }
    }
}
