import Encodings
import Foundation
import OCIEncryption
import Testing

/// A folder of its own for one test, removed when the test is over.
final class TemporaryFolder {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "claviger-oci-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func image(_ name: String, _ tag: String? = "hello") -> ImageReference {
        ImageReference(directory: "\(path)/\(name)", tag: tag)
    }

    /// A changeable copy of a layout of the vectors.
    func copy(of layout: String) throws -> ImageReference {
        try FileManager.default.copyItem(atPath: Fixtures.path(layout), toPath: "\(path)/\(layout)")
        return image(layout)
    }
}

enum Fixtures {
    static let keyID = "kbs:///default/image-kek/proof-1"

    static func path(_ name: String) throws -> String {
        try #require(Bundle.module.url(forResource: "Vectors", withExtension: nil)).appending(path: name).path
    }

    static func bytes(_ name: String) throws -> [UInt8] {
        [UInt8](try Data(contentsOf: URL(filePath: path(name))))
    }

    static func keyEncryptionKey() throws -> SecretBytes { SecretBytes(try bytes("kek.bin")) }

    static func image(_ layout: String) throws -> ImageReference {
        ImageReference(directory: try path(layout), tag: "hello")
    }

    /// A layout with one image whose layers are the given blobs.
    static func layout(
        _ reference: ImageReference, layers: [(type: String, bytes: [UInt8])],
        manifestChange: (inout JSONObject) -> Void = { _ in }
    ) throws {
        let blobs = reference.directory + "/blobs/sha256"
        try FileManager.default.createDirectory(atPath: blobs, withIntermediateDirectories: true)
        func store(_ bytes: [UInt8], _ type: String) throws -> JSONValue {
            let digest = BlobDigest(of: bytes)
            try Data(bytes).write(to: URL(filePath: "\(blobs)/\(digest.hex)"))
            return [
                "mediaType": .string(type), "digest": .string(digest.description), "size": .int(Int64(bytes.count)),
            ]
        }
        let config = try store(Array("{}".utf8), "application/vnd.oci.image.config.v1+json")
        var manifest: JSONObject = [
            "schemaVersion": 2, "config": config, "layers": .array(try layers.map { try store($0.bytes, $0.type) }),
        ]
        manifestChange(&manifest)
        var entry = try #require(
            store(manifest.serialized(), "application/vnd.oci.image.manifest.v1+json").objectValue)
        if let tag = reference.tag {
            entry["annotations"] = .object(["org.opencontainers.image.ref.name": .string(tag)])
        }
        let index: JSONValue = ["schemaVersion": 2, "manifests": [.object(entry)]]
        try Data(index.serialized()).write(to: URL(filePath: reference.directory + "/index.json"))
        try Data(#"{"imageLayoutVersion":"1.0.0"}"#.utf8).write(to: URL(filePath: reference.directory + "/oci-layout"))
    }

    static func layers(_ reference: ImageReference) throws -> [Descriptor] {
        try ImageInspection(reference).images.flatMap(\.layers).map(\.descriptor)
    }

    static func randomBytes(_ count: Int) -> [UInt8] { SecretBytes.random(count: count).copyBytes() }

    static let plainLayer = "application/vnd.oci.image.layer.v1.tar"
}

/// The error that the body throws, when it is one of image encryption.
func imageError(_ body: () async throws -> Void) async throws -> ImageEncryptionError.Code? {
    do {
        try await body()
        return nil
    } catch let error as ImageEncryptionError {
        return error.code
    }
}
