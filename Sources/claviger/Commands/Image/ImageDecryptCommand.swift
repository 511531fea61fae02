import ArgumentParser
import Encodings
import Guest
import KBSProtocol
import OCIEncryption

struct ImageDecryptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "decrypt", abstract: "Decrypt an image's layers.",
        discussion: """
            The key-encryption keys that the layers name are fetched from the broker by attesting this machine, or one \
            is read from --key-file. A layer is written only after its HMAC and digest were checked.
            """)

    @Argument(help: "The encrypted image, oci:DIR[:TAG].")
    var source: ImageArgument

    @Argument(help: "Where the plain image goes, oci:DIR[:TAG].")
    var destination: ImageArgument

    @Option(help: "A file with the 32 bytes of the key-encryption key.")
    var keyFile: String?

    @OptionGroup var layerOptions: LayerOptions
    @OptionGroup var guest: GuestOptions
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func run() async throws {
        _ = try ImageInspection(source.reference)
        let keys =
            try keyFile.map { ImageKeySource.given(try KeyFile.read($0)) }
            ?? .attested(ResourceCache(guest.client(broker)))
        let progress = ProgressLine()
        defer { progress.finish() }
        let outcome = try await ImageEncryption.decrypt(
            source.reference, to: destination.reference, layers: layerOptions.selection,
            progress: { progress.show("decrypting \($0.hex.prefix(12))", done: $1, total: $2) },
            unwrap: { try await $0.unwrap(key: keys.key($0.keyID)) })
        progress.finish()
        output.print(outcome.json) {
            "\(destination.reference) decrypted: \(outcome.layers.count) layers, \(outcome.image)"
        }
    }
}

/// Where key-encryption keys come from.
enum ImageKeySource {
    case given(SecretBytes)
    case attested(ResourceCache)

    func key(_ keyID: String) async throws -> SecretBytes {
        switch self {
        case .given(let key): key
        case .attested(let resources): try await resources.resource(ResourceURI(keyID))
        }
    }
}
