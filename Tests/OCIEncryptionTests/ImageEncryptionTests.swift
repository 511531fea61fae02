import Encodings
import Foundation
import OCIEncryption
import Testing

@Suite("images in OCI layouts")
struct ImageEncryptionTests {
    private let key = SecretBytes.random(count: 32)

    private func encrypt(
        _ source: ImageReference, _ destination: ImageReference, _ layers: LayerSelection = .all
    ) async throws -> ImageEncryption.Outcome {
        try await ImageEncryption.encrypt(source, to: destination, layers: layers) {
            [try AnnotationPacket.wrap(optsData: $0, keyID: Fixtures.keyID, key: key)]
        }
    }

    private func decrypt(
        _ source: ImageReference, _ destination: ImageReference, with key: SecretBytes? = nil
    ) async throws -> ImageEncryption.Outcome {
        try await ImageEncryption.decrypt(source, to: destination) { try $0.unwrap(key: key ?? self.key) }
    }

    @Test("GC 68: an image that skopeo encrypted decrypts to the original layers and config")
    func skopeoImage() async throws {
        let folder = try TemporaryFolder()
        let outcome = try await decrypt(
            Fixtures.image("encrypted-oci-layout"), folder.image("plain"), with: Fixtures.keyEncryptionKey())
        #expect(outcome.layers.count == 2)
        // The original manifest ends with a line feed, which skopeo dropped when it encrypted.
        #expect(
            outcome.image.description == "sha256:bce24f95c1441712bb4c8a60233e6b3535a9639ab37aaa0635e643ac5d464e44")
        #expect(try Fixtures.layers(folder.image("plain")) == Fixtures.layers(Fixtures.image("plain-oci-layout")))
    }

    @Test("GC 66: an image that is encrypted here decrypts here to the original")
    func roundTrip() async throws {
        let folder = try TemporaryFolder()
        let source = try Fixtures.image("plain-oci-layout")
        let encrypted = try await encrypt(source, folder.image("encrypted"))
        #expect(encrypted.layers.allSatisfy { $0.before != $0.after })
        let inspection = try ImageInspection(folder.image("encrypted"))
        let layers = try #require(inspection.images.first).layers
        #expect(
            layers.allSatisfy { $0.descriptor.mediaType == "application/vnd.oci.image.layer.v1.tar+gzip+encrypted" })
        #expect(layers.allSatisfy { $0.encryption?.packets.map(\.keyID) == [Fixtures.keyID] })
        let decrypted = try await decrypt(folder.image("encrypted"), folder.image("decrypted"))
        #expect(try decrypted.image == ImageLayout.open(source.directory).image(tagged: "hello").digest)
    }

    @Test("single layers are picked from both ends, and a layer that does not exist is an error")
    func selection() async throws {
        let folder = try TemporaryFolder()
        let source = try Fixtures.image("plain-oci-layout")
        for (position, encryptedLayers) in [(0, [true, false]), (-1, [false, true])] {
            let target = folder.image("selected\(position)")
            _ = try await encrypt(source, target, .positions([position]))
            let layers = try #require(ImageInspection(target).images.first).layers
            #expect(layers.map { $0.encryption != nil } == encryptedLayers)
        }
        #expect(
            try await imageError { _ = try await encrypt(source, folder.image("none"), .positions([2])) }
                == .invalidRequest)
    }

    @Test("plain, gzip and zstd layers keep their kind under +encrypted")
    func mediaTypes() async throws {
        let folder = try TemporaryFolder()
        let types = ["", "+gzip", "+zstd"].map { Fixtures.plainLayer + $0 }
        try Fixtures.layout(folder.image("plain"), layers: types.map { ($0, Fixtures.randomBytes(3_000_000)) })
        _ = try await encrypt(folder.image("plain"), folder.image("encrypted"))
        let layers = try #require(ImageInspection(folder.image("encrypted")).images.first).layers
        #expect(layers.map(\.descriptor.mediaType) == types.map { $0 + "+encrypted" })
        let decrypted = try await decrypt(folder.image("encrypted"), folder.image("decrypted"))
        #expect(try decrypted.image == ImageLayout.open(folder.image("plain").directory).image(tagged: "hello").digest)
    }

    @Test("a wrong key leaves no plaintext and no image behind")
    func wrongKey() async throws {
        let folder = try TemporaryFolder()
        let target = folder.image("decrypted")
        let code = try await imageError {
            _ = try await decrypt(Fixtures.image("encrypted-oci-layout"), target, with: .random(count: 32))
        }
        #expect(code == .wrongKey)
        #expect(try ImageLayout.open(target.directory).images().isEmpty)
        let blobs = try FileManager.default.contentsOfDirectory(atPath: target.directory + "/blobs/sha256")
        #expect(blobs.allSatisfy { !$0.hasPrefix(".pending") })
    }

    @Test("a packet that another key opens is tried after one that does not")
    func severalPackets() async throws {
        let folder = try TemporaryFolder()
        let other = SecretBytes.random(count: 32)
        _ = try await ImageEncryption.encrypt(Fixtures.image("plain-oci-layout"), to: folder.image("encrypted")) {
            [
                try AnnotationPacket.wrap(optsData: $0, keyID: "kbs:///other/key/1", key: other),
                try AnnotationPacket.wrap(optsData: $0, keyID: Fixtures.keyID, key: key),
            ]
        }
        _ = try await decrypt(folder.image("encrypted"), folder.image("first"), with: other)
        _ = try await decrypt(folder.image("encrypted"), folder.image("second"), with: key)
    }

    @Test("a blob whose bytes were changed is refused, at encryption and at decryption")
    func changedBlobs() async throws {
        for layout in ["plain-oci-layout", "encrypted-oci-layout"] {
            let folder = try TemporaryFolder()
            let image = try folder.copy(of: layout)
            let layer = try #require(ImageInspection(image).images.first?.layers.first).descriptor
            let file = URL(filePath: "\(image.directory)/blobs/sha256/\(layer.digest.hex)")
            var bytes = [UInt8](try Data(contentsOf: file))
            bytes[10] ^= 1
            for changed in [bytes, Array(bytes.dropLast()), bytes + [0]] {
                try Data(changed).write(to: file)
                let code = try await imageError {
                    if layout == "plain-oci-layout" {
                        _ = try await encrypt(image, folder.image("out"))
                    } else {
                        _ = try await decrypt(image, folder.image("out"), with: Fixtures.keyEncryptionKey())
                    }
                }
                #expect(code == .digestMismatch)
            }
        }
    }

    @Test("a digest that is a path, a link instead of a blob and a missing blob are refused")
    func pathTraversal() async throws {
        for digest in ["sha256:../../../etc/passwd", "sha256:" + String(repeating: "A", count: 64), "sha256", "md5:00"]
        {
            #expect(throws: ImageEncryptionError.self) { try BlobDigest(digest) }
        }
        let folder = try TemporaryFolder()
        let image = folder.image("plain")
        let secret = Fixtures.randomBytes(100)
        try Fixtures.layout(image, layers: [(Fixtures.plainLayer, secret)])
        let blob = "\(image.directory)/blobs/sha256/\(BlobDigest(of: secret).hex)"
        try FileManager.default.moveItem(atPath: blob, toPath: folder.path + "/outside")
        #expect(try await imageError { _ = try await encrypt(image, folder.image("out")) } == .notFound)
        try FileManager.default.createSymbolicLink(atPath: blob, withDestinationPath: folder.path + "/outside")
        #expect(try await imageError { _ = try await encrypt(image, folder.image("out")) } == .inputOutput)
    }

    @Test("a FIFO instead of a blob is refused without waiting for a writer", .timeLimit(.minutes(5)))
    func fifo() async throws {
        let folder = try TemporaryFolder()
        let image = folder.image("plain")
        let bytes = Fixtures.randomBytes(100)
        try Fixtures.layout(image, layers: [(Fixtures.plainLayer, bytes)])
        let blob = "\(image.directory)/blobs/sha256/\(BlobDigest(of: bytes).hex)"
        try FileManager.default.removeItem(atPath: blob)
        try #require(mkfifo(blob, 0o600) == 0)
        #expect(try await imageError { _ = try await encrypt(image, folder.image("out")) } == .inputOutput)
    }

    @Test("indices that name their children over and over are refused before they use up time and memory")
    func multiplyingIndex() async throws {
        let folder = try TemporaryFolder()
        let image = folder.image("bomb")
        try Fixtures.layout(image, layers: [(Fixtures.plainLayer, [1])])
        var child = try ImageLayout.open(image.directory).image(tagged: "hello").object
        child["annotations"] = nil
        for _ in 0..<2 {
            let index: JSONObject = [
                "schemaVersion": 2, "manifests": .array(Array(repeating: .object(child), count: 100)),
            ]
            let bytes = index.serialized()
            let digest = BlobDigest(of: bytes)
            try Data(bytes).write(to: URL(filePath: "\(image.directory)/blobs/sha256/\(digest.hex)"))
            child = [
                "mediaType": "application/vnd.oci.image.index.v1+json", "digest": .string(digest.description),
                "size": .int(Int64(bytes.count)),
            ]
        }
        child["annotations"] = ["org.opencontainers.image.ref.name": "hello"]
        let top: JSONObject = ["schemaVersion": 2, "manifests": .array([.object(child)])]
        try Data(top.serialized()).write(to: URL(filePath: image.directory + "/index.json"))
        #expect(try await imageError { _ = try ImageInspection(image) } == .tooLarge)
        #expect(try await imageError { _ = try await encrypt(image, folder.image("out")) } == .tooLarge)
    }

    @Test("manifests that lie about sizes or shapes are refused")
    func malformedManifests() async throws {
        let changes: [(inout JSONObject) -> Void] = [
            { $0["layers"] = nil },
            { $0["layers"] = "none" },
            { $0["config"] = nil },
            { $0["layers"] = [["mediaType": "x", "digest": "sha256:00", "size": 1]] },
            { manifest in
                guard var layer = manifest["layers"]?.arrayValue?.first?.objectValue else { return }
                layer["size"] = -1
                manifest["layers"] = [.object(layer)]
            },
            { manifest in
                guard var layer = manifest["layers"]?.arrayValue?.first?.objectValue else { return }
                layer["size"] = .int(Int64.max)
                manifest["layers"] = [.object(layer)]
            },
        ]
        for change in changes {
            let folder = try TemporaryFolder()
            try Fixtures.layout(
                folder.image("plain"), layers: [(Fixtures.plainLayer, Fixtures.randomBytes(10))], manifestChange: change
            )
            #expect(try await imageError { _ = try await encrypt(folder.image("plain"), folder.image("out")) } != nil)
        }
    }

    @Test("a manifest larger than 4 MiB is refused before it is read")
    func largeManifest() async throws {
        let folder = try TemporaryFolder()
        try Fixtures.layout(folder.image("plain"), layers: [(Fixtures.plainLayer, [1])]) {
            $0["annotations"] = ["filler": .string(String(repeating: "x", count: 5 << 20))]
        }
        #expect(try await imageError { _ = try await encrypt(folder.image("plain"), folder.image("out")) } == .tooLarge)
    }

    @Test("encrypting twice, decrypting plain images and foreign layers are refused with a reason")
    func wrongRequests() async throws {
        let folder = try TemporaryFolder()
        let encrypted = try Fixtures.image("encrypted-oci-layout")
        let plain = try Fixtures.image("plain-oci-layout")
        #expect(try await imageError { _ = try await encrypt(encrypted, folder.image("a")) } == .invalidRequest)
        #expect(try await imageError { _ = try await decrypt(plain, folder.image("b")) } == .invalidRequest)
        try Fixtures.layout(
            folder.image("docker"), layers: [("application/vnd.docker.image.rootfs.diff.tar.gzip", [1, 2])])
        #expect(
            try await imageError { _ = try await encrypt(folder.image("docker"), folder.image("c")) } == .unsupported)
        #expect(
            try await imageError { _ = try await encrypt(folder.image("nowhere"), folder.image("d")) } == .notFound)
        try Data().write(to: URL(filePath: folder.path + "/file"))
        #expect(
            try await imageError { _ = try await encrypt(plain, ImageReference(directory: folder.path, tag: "x")) }
                == .invalidRequest)
    }

    @Test("an index of several platforms is rewritten as a whole, attestations stay")
    func severalPlatforms() async throws {
        let folder = try TemporaryFolder()
        let image = folder.image("multi", "v1")
        try Fixtures.layout(folder.image("multi", "amd64"), layers: [(Fixtures.plainLayer, Fixtures.randomBytes(50))])
        let layout = try ImageLayout.open(image.directory)
        let amd64 = try layout.image(tagged: "amd64")
        try Fixtures.layout(
            folder.image("multi", "sbom"), layers: [("application/vnd.in-toto+json", Fixtures.randomBytes(50))])
        let sbom = try layout.image(tagged: "sbom")
        func entry(_ descriptor: Descriptor, _ architecture: String) -> JSONValue {
            var object = descriptor.object
            object["annotations"] = nil
            object["platform"] = ["architecture": .string(architecture), "os": "linux"]
            return .object(object)
        }
        let index: JSONValue = ["schemaVersion": 2, "manifests": [entry(amd64, "amd64"), entry(sbom, "unknown")]]
        let bytes = index.serialized()
        let digest = BlobDigest(of: bytes)
        try Data(bytes).write(to: URL(filePath: "\(image.directory)/blobs/sha256/\(digest.hex)"))
        let top: JSONValue = [
            "schemaVersion": 2,
            "manifests": [
                [
                    "mediaType": "application/vnd.oci.image.index.v1+json", "digest": .string(digest.description),
                    "size": .int(Int64(bytes.count)), "annotations": ["org.opencontainers.image.ref.name": "v1"],
                ]
            ],
        ]
        try Data(top.serialized()).write(to: URL(filePath: image.directory + "/index.json"))

        _ = try await encrypt(image, folder.image("encrypted", "v1"))
        let inspection = try ImageInspection(folder.image("encrypted", "v1"))
        #expect(inspection.images.map(\.platform) == ["linux/amd64", "linux/unknown"])
        #expect(inspection.images.map { $0.layers.map { $0.encryption != nil } } == [[true], [false]])
        let decrypted = try await decrypt(folder.image("encrypted", "v1"), folder.image("decrypted", "v1"))
        #expect(decrypted.image == digest)
    }

    @Test("several images share a layout, each under its tag, and a new one takes over its tag")
    func tags() async throws {
        let folder = try TemporaryFolder()
        let source = try Fixtures.image("plain-oci-layout")
        _ = try await encrypt(source, folder.image("all", "one"))
        _ = try await encrypt(source, folder.image("all", "two"))
        let again = try await encrypt(source, folder.image("all", "one"))
        let layout = try ImageLayout.open(folder.path + "/all")
        #expect(try layout.images().count == 2)
        #expect(try layout.image(tagged: "one").digest == again.image)
        #expect(try await imageError { _ = try layout.image(tagged: nil) } == .invalidRequest)
        #expect(try await imageError { _ = try layout.image(tagged: "three") } == .notFound)
    }

    @Test("image references are read as skopeo writes them")
    func references() throws {
        #expect(try ImageReference("oci:a/b:v1") == ImageReference(directory: "a/b", tag: "v1"))
        #expect(try ImageReference("oci:a/b") == ImageReference(directory: "a/b", tag: nil))
        #expect(try ImageReference("a/b:x:y") == ImageReference(directory: "a/b", tag: "x:y"))
        for text in ["", "oci:", "docker://registry/x", "dir:x"] {
            #expect(throws: ImageEncryptionError.self) { try ImageReference(text) }
        }
    }
}
