import ArgumentParser
import Encodings
import Guest
import KBSProtocol

struct SecretSealCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "seal", abstract: "Print a sealed secret: a vault, or an envelope.",
        subcommands: [SealVaultCommand.self, SealEnvelopeCommand.self])

    @OptionGroup var signing: SealSigningOptions
}

/// Who signs, and what goes into both forms.
struct SealSigningOptions: ParsableArguments {
    @Option(
        help: "Where guests find the public key: kbs:///REPOSITORY/TYPE/TAG, or a file's name in their folder of keys.")
    var signingKid: String

    @Option(help: "The file with the private key, a JWK on P-256 (see keygen).")
    var signingJwkPath: String

    func seal(_ secret: SealedSecret) throws {
        var bytes = try InputFile.read(signingJwkPath, limit: 65_536)
        defer { wipe(&bytes) }
        let text: String
        do throws(GuestError) {
            text = try SealedText.seal(secret, keyID: signingKid, with: SealedSigningKey.privateKey(bytes))
        } catch {
            throw CommandFailure("\(signingJwkPath): \(error.message)")
        }
        Terminal.write(text)
    }
}

/// What a provider may need to know.
struct SealProviderOptions: ParsableArguments {
    @Option(help: "What the provider's client needs to know, a JSON object.")
    var providerSettings = "{}"

    @Option(help: "What belongs to this value, a JSON object.")
    var annotations = "{}"

    func objects() throws -> (settings: JSONObject, annotations: JSONObject) {
        (try Self.object(providerSettings, "--provider-settings"), try Self.object(annotations, "--annotations"))
    }

    private static func object(_ text: String, _ option: String) throws -> JSONObject {
        guard let object = try? JSONObject(parsing: Array(text.utf8)) else {
            throw ValidationError("\(option) is a JSON object")
        }
        return object
    }
}

struct SealVaultCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "vault", abstract: "Name where the value is kept; the value itself is not needed.",
        discussion: """
            With the provider kbs, which is the one that Claviger's agent serves, guests fetch the resource from their broker, \
            and its policies decide. Secrets for the cloud providers of the guest components can be sealed as well.
            """)

    @OptionGroup var signing: SealSigningOptions

    @Option(help: "The resource, kbs:///REPOSITORY/TYPE/TAG; with a cloud provider the name there.")
    var resourceUri: String

    @Option(help: "kbs, aliyun or aws.")
    var provider = "kbs"

    @OptionGroup var details: SealProviderOptions

    func run() throws {
        switch try SecretProvider(name: provider) {
        case .kbs: _ = try ResourceURI(resourceUri)
        case .aliyun, .aws: break
        case .ehsm: throw CommandFailure("ehsm keeps no values; seal an envelope")
        }
        let (settings, annotations) = try details.objects()
        try signing.seal(
            SealedSecret(
                .vault(name: resourceUri), provider: provider, providerSettings: settings, annotations: annotations))
    }
}

struct SealEnvelopeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "envelope", abstract: "Encrypt a value under a data key of a cloud's key service.",
        discussion: """
            The key service is not asked by this program. Have it make a data key first, in plain and encrypted, as `aws kms \
            generate-data-key` does; both files are read, the plain one can be deleted afterwards. Claviger's agent has no \
            client for key services, the guest components have.
            """)

    @OptionGroup var signing: SealSigningOptions

    @Option(help: "The key service's name of the key that encrypted the data key.")
    var keyId: String

    @Option(help: "The file with the value.")
    var filePath: String

    @Option(help: "aliyun, aws or ehsm.")
    var provider: String

    @Option(help: "The file with the data key, 32 bytes, used for this value only.")
    var dataKeyFile: String

    @Option(help: "The file with the encrypted data key, as the key service gave it.")
    var encryptedKeyFile: String

    @OptionGroup var details: SealProviderOptions

    func run() throws {
        guard try SecretProvider(name: provider) != .kbs else {
            throw CommandFailure("the provider kbs opens no envelopes: store the value as a resource and seal a vault")
        }
        let (settings, annotations) = try details.objects()
        var value = try InputFile.read(filePath, limit: 524_288)
        let envelope = try SealedSecret.Envelope(
            sealing: SecretBytes(wiping: &value), dataKey: KeyFile.read(dataKeyFile),
            encryptedKey: InputFile.read(encryptedKeyFile, limit: 65_536), keyID: keyId)
        try signing.seal(
            SealedSecret(
                .envelope(envelope), provider: provider, providerSettings: settings, annotations: annotations))
    }
}
