import Encodings
import FoundationEssentials
import Glibc

/// An OCI image layout: a folder with `oci-layout`, `index.json` and `blobs/sha256/`.
///
/// Whatever is read is checked against the digest and size that the parent document promises; documents have a size
/// limit, and paths are built from validated digests only.
public struct ImageLayout: Sendable {
    /// The largest manifest or index that is read, in bytes.
    public static let maximumDocumentSize: Int64 = 4 << 20
    static let referenceName = "org.opencontainers.image.ref.name"

    /// The layout's folder.
    public let directory: String

    private init(directory: String) {
        self.directory = directory
    }

    /// Opens a layout that exists.
    ///
    /// - Throws: `ImageEncryptionError` with `not_found`, `malformed` or `unsupported`.
    public static func open(_ directory: String) throws -> ImageLayout {
        let layout = ImageLayout(directory: directory)
        guard FileManager.default.fileExists(atPath: directory + "/oci-layout") else {
            throw ImageEncryptionError(.notFound, "\(directory) is no OCI image layout (it has no oci-layout file)")
        }
        let marker = try JSONDocument.object(layout.smallFile("oci-layout"), of: "oci-layout file")
        let version = try JSONDocument.string("imageLayoutVersion", in: marker, of: "oci-layout file")
        guard version.hasPrefix("1.") else {
            throw ImageEncryptionError(.unsupported, "layout version \(version) is not supported, only 1.x")
        }
        return layout
    }

    /// Opens the layout, or makes an empty one where nothing is.
    ///
    /// - Throws: `ImageEncryptionError` with `invalid_request` (the folder holds something else) or `input_output`.
    public static func openOrCreate(_ directory: String) throws -> ImageLayout {
        let layout = ImageLayout(directory: directory)
        if !FileManager.default.fileExists(atPath: directory + "/oci-layout") {
            let present = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
            guard present.isEmpty else {
                throw ImageEncryptionError(.invalidRequest, "\(directory) is not empty and no OCI image layout")
            }
            try layout.makeFolders()
            try layout.replaceFile("oci-layout", with: Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8))
            try layout.replaceFile("index.json", with: Array(#"{"schemaVersion":2,"manifests":[]}"#.utf8))
        }
        let opened = try open(directory)
        try opened.makeFolders()
        return opened
    }

    /// The descriptors of `index.json`.
    ///
    /// - Throws: `ImageEncryptionError` with `malformed`.
    public func images() throws -> [Descriptor] {
        try Self.descriptors("manifests", of: indexObject(), document: "index.json")
    }

    /// The descriptor of a tag; without a tag, the only one.
    ///
    /// - Throws: `ImageEncryptionError` with `not_found` or `invalid_request`.
    public func image(tagged tag: String?) throws -> Descriptor {
        let images = try images()
        guard let tag else {
            guard let only = images.first else {
                throw ImageEncryptionError(.notFound, "\(directory) holds no image")
            }
            guard images.count == 1 else {
                let tags = images.compactMap { $0.annotations[Self.referenceName] }.joined(separator: ", ")
                throw ImageEncryptionError(
                    .invalidRequest, "\(directory) holds \(images.count) images; say which one as oci:DIR:TAG (\(tags))"
                )
            }
            return only
        }
        guard let found = images.first(where: { $0.annotations[Self.referenceName] == tag }) else {
            throw ImageEncryptionError(.notFound, "\(directory) has no image tagged \(tag)")
        }
        return found
    }

    /// A manifest, index or config: read whole, verified.
    ///
    /// - Throws: `ImageEncryptionError` with `not_found`, `digest_mismatch` or `too_large`.
    public func document(_ descriptor: Descriptor) throws -> [UInt8] {
        guard descriptor.size <= Self.maximumDocumentSize else {
            throw ImageEncryptionError(
                .tooLarge, "\(descriptor.digest) has \(descriptor.size) bytes, a document 4 MiB at most")
        }
        let reader = try blobReader(descriptor)
        var bytes: [UInt8] = []
        while let chunk = try reader.next() { bytes += chunk }
        return bytes
    }

    static func descriptors(_ member: String, of object: JSONObject, document: String) throws -> [Descriptor] {
        guard case .array(let values)? = object[member] else {
            throw ImageEncryptionError(.malformed, "\"\(member)\" of \(document) is missing or no array")
        }
        guard values.count <= 4096 else {
            throw ImageEncryptionError(.tooLarge, "\(document) lists \(values.count) \(member)")
        }
        return try values.map { try Descriptor($0) }
    }

    func blobReader(_ descriptor: Descriptor) throws -> BlobReader {
        try BlobReader(path: "\(directory)/blobs/sha256/\(descriptor.digest.hex)", descriptor: descriptor)
    }

    func blobWriter() throws -> BlobWriter {
        try BlobWriter(folder: directory + "/blobs/sha256")
    }

    /// Copies a blob unchanged.
    func copy(_ descriptor: Descriptor, from source: ImageLayout) throws {
        let reader = try source.blobReader(descriptor)
        let writer = try blobWriter()
        while let chunk = try reader.next() { try writer.write(chunk) }
        _ = try writer.commit()
    }

    /// Stores a document.
    func store(_ bytes: [UInt8]) throws -> (digest: BlobDigest, size: Int64) {
        let writer = try blobWriter()
        try writer.write(bytes)
        return try writer.commit()
    }

    /// Makes the image reachable under the tag; an image that had the tag loses it.
    func publish(_ descriptor: Descriptor, tag: String?) throws {
        let entry = try descriptor.annotated(Self.referenceName, tag)
        var index = try indexObject()
        var images = try Self.descriptors("manifests", of: index, document: "index.json")
        images.removeAll { other in
            tag == nil ? other.digest == entry.digest : other.annotations[Self.referenceName] == tag
        }
        images.append(entry)
        index["manifests"] = .array(images.map { .object($0.object) })
        try replaceFile("index.json", with: JSONValue.object(index).serialized())
    }

    private func indexObject() throws -> JSONObject {
        try JSONDocument.object(smallFile("index.json"), of: "index.json")
    }

    private func smallFile(_ name: String) throws -> [UInt8] {
        let path = "\(directory)/\(name)"
        do throws(BoundedFileError) {
            return try BoundedFile.bytes(path, limit: Int(Self.maximumDocumentSize), kind: .regularWithoutLink)
        } catch {
            let code: ImageEncryptionError.Code =
                switch error.code {
                case .missing, .notRegular: .notFound
                case .tooLarge: .tooLarge
                case .unreadable, .notText: .inputOutput
                }
            throw ImageEncryptionError(code, error.message)
        }
    }

    private func makeFolders() throws {
        do {
            try FileManager.default.createDirectory(
                atPath: directory + "/blobs/sha256", withIntermediateDirectories: true)
        } catch {
            throw ImageEncryptionError(.inputOutput, "\(directory) cannot be created")
        }
    }

    private func replaceFile(_ name: String, with bytes: [UInt8]) throws {
        do {
            try Data(bytes).write(to: URL(filePath: "\(directory)/\(name)"), options: .atomic)
        } catch {
            throw ImageEncryptionError(.inputOutput, "\(directory)/\(name) cannot be written")
        }
    }
}
