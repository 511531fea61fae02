import ArgumentParser
import OCIEncryption

struct ImageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "image", abstract: "Encrypt, decrypt and inspect OCI images in layout folders.",
        discussion: """
            Images are named oci:DIR[:TAG], as skopeo does. Encrypted layers have the format that skopeo, podman, \
            containerd and CoCo guests read. skopeo copy docker://… oci:DIR:TAG brings an image into a layout.
            """,
        subcommands: [ImageEncryptCommand.self, ImageDecryptCommand.self, ImageInspectCommand.self])
}

/// `oci:DIR[:TAG]`.
struct ImageArgument: ExpressibleByArgument {
    let reference: ImageReference

    init?(argument: String) {
        guard let reference = try? ImageReference(argument) else { return nil }
        self.reference = reference
    }
}

/// Layers by position.
struct LayerOptions: ParsableArguments {
    @Option(name: .customLong("layer"), help: "Only this layer: 0 is the lowest, -1 the topmost. May be repeated.")
    var layers: [Int] = []

    var selection: LayerSelection { layers.isEmpty ? .all : .positions(layers) }
}
