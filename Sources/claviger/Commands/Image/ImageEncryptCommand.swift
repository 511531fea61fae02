import AdminClient
import ArgumentParser
import Encodings
import OCIEncryption

struct ImageEncryptCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "encrypt", abstract: "Encrypt an image's layers for a key that the broker keeps.",
        discussion: """
            A fresh key-encryption key is made and stored in the broker as the resource --key-id, unless --key-file \
            gives one. A key that is there already is never replaced, because images may depend on it.
            """)

    @Argument(help: "The plain image, oci:DIR[:TAG].")
    var source: ImageArgument

    @Argument(help: "Where the encrypted image goes, oci:DIR[:TAG].")
    var destination: ImageArgument

    @Option(help: "The resource of the key-encryption key, kbs:///REPOSITORY/TYPE/TAG.")
    var keyID: ResourceArgument

    @Option(help: "A file with the 32 bytes of the key-encryption key.")
    var keyFile: String?

    @Flag(help: "Do not store the key in the broker (needs --key-file, for it would be lost).")
    var noRegister = false

    @Option(help: "The key provider's name in the annotations.")
    var provider = ImageEncryption.defaultProvider

    @OptionGroup var layerOptions: LayerOptions
    @OptionGroup var broker: BrokerOptions
    @OptionGroup var output: OutputOptions

    func validate() throws {
        if noRegister, keyFile == nil { throw ValidationError("--no-register needs --key-file") }
    }

    func run() async throws {
        _ = try ImageInspection(source.reference)
        let key = try keyFile.map { try KeyFile.read($0) } ?? .random(count: 32)
        if !noRegister { try await register(key) }
        let progress = ProgressLine()
        defer { progress.finish() }
        let outcome = try await ImageEncryption.encrypt(
            source.reference, to: destination.reference, layers: layerOptions.selection, provider: provider,
            progress: { progress.show("encrypting \($0.hex.prefix(12))", done: $1, total: $2) },
            wrap: { [try AnnotationPacket.wrap(optsData: $0, keyID: keyID.uri, key: key)] })
        progress.finish()
        output.print(outcome.json) {
            "\(destination.reference) encrypted for \(keyID.uri): \(outcome.layers.count) layers, \(outcome.image)"
        }
    }

    private func register(_ key: SecretBytes) async throws {
        let client = try broker.adminClient()
        guard try await !exists(client) else {
            throw CommandFailure(
                "\(keyID.uri) exists already and is not replaced: choose another --key-id, "
                    + "or give its bytes with --key-file and --no-register")
        }
        try await client.putResource(keyID.path, key)
    }

    private func exists(_ client: AdminClient) async throws -> Bool {
        do throws(AdminClientError) {
            let versions = try await client.resourceVersions(keyID.path)
            return versions.contains { $0["destroyedAt"]?.stringValue == nil }
        } catch {
            guard error.code == .notFound else { throw error }
            return false
        }
    }
}

extension ImageEncryption.Outcome {
    var json: JSONValue {
        [
            "image": .string(image.description),
            "layers": .array(
                layers.map { ["before": .string($0.before.description), "after": .string($0.after.description)] }),
        ]
    }
}
