import Encodings

/// What the annotations of an encrypted layer say.
public struct LayerEncryption: Sendable, Hashable {
    /// The packets for key providers, in the order in which they stand there, providers sorted by name.
    public let packets: [AnnotationPacket]
    /// The annotations for other key protocols (`jwe`, `pgp`, `pkcs7`), which this implementation does not open.
    public let otherProtocols: [String]
    /// Cipher and HMAC.
    public let publicOptions: PublicLayerOptions

    /// Reads the annotations of a layer.
    ///
    /// - Throws: `ImageEncryptionError` with `malformed`.
    public init(_ layer: Descriptor) throws {
        let annotations = layer.annotations
        guard let encoded = annotations[EncryptionAnnotation.publicOptions] else {
            throw ImageEncryptionError(.malformed, "encrypted layer \(layer.digest) has no public options")
        }
        publicOptions = try PublicLayerOptions(parsing: Self.decode(encoded, layer))
        var packets: [AnnotationPacket] = []
        var others: [String] = []
        for name in annotations.keys.sorted() where name.hasPrefix(EncryptionAnnotation.keysPrefix) {
            guard name.hasPrefix(EncryptionAnnotation.providerPrefix) else {
                others.append(String(name.dropFirst(EncryptionAnnotation.keysPrefix.count)))
                continue
            }
            for packet in (annotations[name] ?? "").split(separator: ",") {
                packets.append(try AnnotationPacket(parsing: Self.decode(String(packet), layer)))
            }
        }
        self.packets = packets
        otherProtocols = others
    }

    private static func decode(_ text: String, _ layer: Descriptor) throws -> [UInt8] {
        do {
            return try Base64.decode(text)
        } catch {
            throw ImageEncryptionError(.malformed, "an encryption annotation of layer \(layer.digest) is not base64")
        }
    }
}
