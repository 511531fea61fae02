import ArgumentParser
import Encodings
import Guest
import KBSProtocol

struct SecretUnsealCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "unseal", abstract: "Open a sealed secret, as a guest does: by attestation.",
        discussion: """
            Writes the value to FILE.unsealed (mode 0600), which must not exist. An envelope is opened with --data-key-file, \
            the data key as the key service decrypted it, and without a broker.
            """)

    @Option(help: "The file with the sealed text.")
    var filePath: String

    @Option(help: "A public key (JWK) whose signature counts, or a folder of such. Can be repeated.")
    var keyPath: [String] = []

    @Option(help: "A resource that may be named as the signing key, kbs:///REPOSITORY/TYPE/TAG. Can be repeated.")
    var signingKid: [String] = []

    @Flag(help: "Believe the text whoever wrote it.")
    var skipVerification = false

    @Option(help: "A file with the data key of an envelope, 32 bytes.")
    var dataKeyFile: String?

    @Option(help: "cc_kbc::ADDRESS of the broker, as in the guest components; --url does the same.")
    var aaKbcParams: String?

    @OptionGroup var guest: GuestOptions
    @OptionGroup var broker: BrokerOptions

    func validate() throws {
        guard skipVerification != (!keyPath.isEmpty || !signingKid.isEmpty) else {
            throw ValidationError(
                "Say whose signature counts, with --key-path or --signing-kid, or --skip-verification.")
        }
        guard dataKeyFile == nil || signingKid.isEmpty else {
            throw ValidationError("With --data-key-file no broker is asked: give the signing key with --key-path.")
        }
    }

    func run() async throws {
        let text = try InputFile.text(filePath, limit: SealedText.maximumBytes + 1)
        let sealed = text.hasSuffix("\n") ? String(text.dropLast()) : text
        let trust = SealedSecretTrust(
            rule: skipVerification ? .unverified : .pinned, keys: try SealedSecretTrust.keys(at: keyPath),
            keyURIs: Set(try signingKid.map { try ResourceURI($0).withoutAuthority() }))
        let value: SecretBytes
        if let dataKeyFile {
            let secret = try await Unsealer(resources: NoResources(), trust: trust).secret(sealed)
            guard case .envelope(let envelope) = secret.content else {
                throw CommandFailure("\(filePath) is no envelope, and needs no data key")
            }
            value = try envelope.open(dataKey: KeyFile.read(dataKeyFile))
        } else {
            value = try await Unsealer(resources: ResourceCache(client()), trust: trust).unseal(sealed)
        }
        try PrivateFile.create(filePath + ".unsealed", value.copyBytes())
        Terminal.note("wrote \(filePath).unsealed (\(value.count) bytes)")
    }

    private func client() throws -> KBSClient {
        var broker = broker
        if let aaKbcParams { broker.url = try KBCParameters(aaKbcParams).url }
        return try guest.client(broker)
    }
}

/// Where nothing is fetched.
private struct NoResources: ResourceSource {
    func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        throw GuestError(.disabled, "No broker is asked for \(uri).")
    }
}
