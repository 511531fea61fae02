/// The media types of OCI images that matter here.
enum MediaType {
    static let manifest = "application/vnd.oci.image.manifest.v1+json"
    static let index = "application/vnd.oci.image.index.v1+json"
    static let dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
    static let dockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json"

    private static let encryptedSuffix = "+encrypted"
    private static let layers: Set<String> = {
        let families = [
            "application/vnd.oci.image.layer.v1.tar", "application/vnd.oci.image.layer.nondistributable.v1.tar",
        ]
        return Set(families.flatMap { [$0, $0 + "+gzip", $0 + "+zstd"] })
    }()

    static func isLayer(_ type: String) -> Bool { layers.contains(type) }

    static func isEncryptedLayer(_ type: String) -> Bool {
        type.hasSuffix(encryptedSuffix) && isLayer(String(type.dropLast(encryptedSuffix.count)))
    }

    static func encrypted(_ type: String) throws -> String {
        if isEncryptedLayer(type) {
            throw ImageEncryptionError(.invalidRequest, "the layer is encrypted already (\(type)); decrypt it first")
        }
        guard isLayer(type) else {
            throw ImageEncryptionError(
                .unsupported,
                "layers of type \(type) cannot be encrypted; convert the image with skopeo copy --format oci")
        }
        return type + encryptedSuffix
    }

    static func decrypted(_ type: String) throws -> String {
        guard isEncryptedLayer(type) else {
            throw ImageEncryptionError(.unsupported, "\(type) is no encrypted layer type")
        }
        return String(type.dropLast(encryptedSuffix.count))
    }
}

/// The annotations of encrypted layers (ocicrypt).
enum EncryptionAnnotation {
    static let prefix = "org.opencontainers.image.enc."
    static let publicOptions = prefix + "pubopts"
    static let keysPrefix = prefix + "keys."
    static let providerPrefix = keysPrefix + "provider."
}
