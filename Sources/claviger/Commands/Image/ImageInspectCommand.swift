import ArgumentParser
import Encodings
import OCIEncryption

struct ImageInspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect", abstract: "Show an image's layers and the keys that they are encrypted for.")

    @Argument(help: "The image, oci:DIR[:TAG].")
    var image: ImageArgument

    @OptionGroup var output: OutputOptions

    func run() throws {
        let inspection = try ImageInspection(image.reference)
        output.print(.array(inspection.images.map(\.json))) {
            inspection.images.map { image in
                var table = Table(["LAYER", "BYTES", "TYPE", "KEY"])
                for layer in image.layers {
                    let keys = layer.encryption.map { $0.packets.map(\.keyID) + $0.otherProtocols } ?? ["(plain)"]
                    table.add([
                        layer.descriptor.digest.description, String(layer.descriptor.size), layer.descriptor.mediaType,
                        keys.joined(separator: ", "),
                    ])
                }
                let platform = image.platform.map { " (\($0))" } ?? ""
                return "\(image.manifest)\(platform.printable)\n\(table.text())"
            }.joined(separator: "\n")
        }
    }
}

extension ImageInspection.Image {
    var json: JSONValue {
        var object: JSONObject = ["manifest": .string(manifest.description)]
        object["platform"] = platform.map { .string($0) }
        object["layers"] = .array(
            layers.map { layer in
                var entry: JSONObject = [
                    "digest": .string(layer.descriptor.digest.description), "size": .int(layer.descriptor.size),
                    "mediaType": .string(layer.descriptor.mediaType), "encrypted": .bool(layer.encryption != nil),
                ]
                if let encryption = layer.encryption {
                    entry["keys"] = .array(encryption.packets.map { .string($0.keyID) })
                    entry["cipher"] = .string(encryption.publicOptions.cipher)
                }
                return .object(entry)
            })
        return .object(object)
    }
}
