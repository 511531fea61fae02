import Encodings

/// Copies an image from one layout into another and replaces layers on the way, through indices of several platforms.
struct ImageRewriting {
    /// Gives the new descriptor of a layer whose blob it has written, or nil to keep the layer as it is.
    typealias LayerTransform = (_ layer: Descriptor, _ position: LayerPosition) async throws -> Descriptor?

    struct LayerPosition {
        let index: Int
        let count: Int
    }

    let source: ImageLayout
    let destination: ImageLayout
    let transform: LayerTransform
    private var allowance = DocumentAllowance()

    init(source: ImageLayout, destination: ImageLayout, transform: @escaping LayerTransform) {
        self.source = source
        self.destination = destination
        self.transform = transform
    }

    /// Rewrites a manifest or an index, and everything below it.
    mutating func rewrite(_ descriptor: Descriptor, depth: Int = 0) async throws -> Descriptor {
        guard depth < 4 else {
            throw ImageEncryptionError(.unsupported, "image indices are nested too deeply")
        }
        try allowance.spend()
        switch descriptor.mediaType {
        case MediaType.manifest, MediaType.dockerManifest:
            return try await rewriteManifest(descriptor, insideIndex: depth > 0)
        case MediaType.index, MediaType.dockerManifestList:
            return try await rewriteIndex(descriptor, depth: depth)
        default:
            try destination.copy(descriptor, from: source)
            return descriptor
        }
    }

    private mutating func rewriteIndex(_ descriptor: Descriptor, depth: Int) async throws -> Descriptor {
        let bytes = try source.document(descriptor)
        var index = try JSONDocument.object(bytes, of: "image index")
        let children = try ImageLayout.descriptors("manifests", of: index, document: "image index")
        var rewritten: [Descriptor] = []
        for child in children { rewritten.append(try await rewrite(child, depth: depth + 1)) }
        return try store(descriptor, bytes, changed: rewritten != children) {
            index["manifests"] = .array(rewritten.map { .object($0.object) })
            return index
        }
    }

    private func rewriteManifest(_ descriptor: Descriptor, insideIndex: Bool) async throws -> Descriptor {
        let bytes = try source.document(descriptor)
        var manifest = try JSONDocument.object(bytes, of: "manifest")
        guard let config = manifest["config"] else {
            throw ImageEncryptionError(.malformed, "manifest \(descriptor.digest) has no config")
        }
        try destination.copy(try Descriptor(config), from: source)
        let layers = try ImageLayout.descriptors("layers", of: manifest, document: "manifest")
        // An index may also list attestations and signatures, whose blobs are no file systems: they stay as they are.
        let isFileSystem = layers.contains {
            MediaType.isLayer($0.mediaType) || MediaType.isEncryptedLayer($0.mediaType)
        }
        let keepAll = insideIndex && !isFileSystem
        var rewritten: [Descriptor] = []
        for (index, layer) in layers.enumerated() {
            let position = LayerPosition(index: index, count: layers.count)
            if !keepAll, let replaced = try await transform(layer, position) {
                rewritten.append(replaced)
            } else {
                try destination.copy(layer, from: source)
                rewritten.append(layer)
            }
        }
        return try store(descriptor, bytes, changed: rewritten != layers) {
            manifest["layers"] = .array(rewritten.map { .object($0.object) })
            return manifest
        }
    }

    /// Stores a document: byte for byte when nothing changed, so that its digest stays.
    private func store(
        _ descriptor: Descriptor, _ bytes: [UInt8], changed: Bool, _ document: () -> JSONObject
    ) throws -> Descriptor {
        guard changed else {
            _ = try destination.store(bytes)
            return descriptor
        }
        // Some writers end documents with a line feed: keeping it lets a decrypted image have its old digest again.
        let ending = bytes.reversed().prefix { $0 == 0x0A || $0 == 0x20 || $0 == 0x0D }
        let stored = try destination.store(JSONValue.object(document()).serialized() + ending.reversed())
        return try descriptor.describing(digest: stored.digest, size: stored.size)
    }
}
