import Encodings

/// An OCI content descriptor: media type, digest, size, annotations, and whatever else the image's author wrote there.
public struct Descriptor: Sendable, Hashable {
    /// The largest blob that is accepted, in bytes (1 TiB).
    public static let maximumBlobSize: Int64 = 1 << 40

    /// The descriptor as it stands in the image, members in their order.
    public private(set) var object: JSONObject
    /// What the blob is.
    public let mediaType: String
    /// The blob's digest.
    public let digest: BlobDigest
    /// The blob's size in bytes.
    public let size: Int64

    /// Reads a descriptor.
    ///
    /// - Throws: `ImageEncryptionError` with `malformed`, `unsupported` or `too_large`.
    public init(_ value: JSONValue) throws {
        guard case .object(let object) = value else {
            throw ImageEncryptionError(.malformed, "a descriptor is not a JSON object")
        }
        mediaType = try JSONDocument.string("mediaType", in: object, of: "descriptor")
        digest = try BlobDigest(JSONDocument.string("digest", in: object, of: "descriptor"))
        guard case .int(let size)? = object["size"], size >= 0 else {
            throw ImageEncryptionError(.malformed, "the size of \(digest) is missing or no whole number")
        }
        guard size <= Self.maximumBlobSize else {
            throw ImageEncryptionError(.tooLarge, "\(digest) claims \(size) bytes")
        }
        self.size = size
        self.object = object
    }

    /// A descriptor from its parts.
    init(mediaType: String, digest: BlobDigest, size: Int64) {
        self.mediaType = mediaType
        self.digest = digest
        self.size = size
        object = ["mediaType": .string(mediaType), "digest": .string(digest.description), "size": .int(size)]
    }

    /// The annotations whose values are strings.
    public var annotations: [String: String] {
        guard case .object(let annotations)? = object["annotations"] else { return [:] }
        var found: [String: String] = [:]
        for (name, value) in annotations {
            if let text = value.stringValue { found[name] = text }
        }
        return found
    }

    /// The same descriptor for another blob: every other member stays where it was.
    func describing(mediaType: String? = nil, digest: BlobDigest, size: Int64) throws -> Descriptor {
        var object = object
        if let mediaType { object["mediaType"] = .string(mediaType) }
        object["digest"] = .string(digest.description)
        object["size"] = .int(size)
        // An embedded copy of the old blob would no longer match the digest.
        object["data"] = nil
        return try Descriptor(.object(object))
    }

    /// The same descriptor with one annotation set, or removed when the value is nil; an empty map disappears.
    func annotated(_ name: String, _ value: String?) throws -> Descriptor {
        var annotations = JSONObject()
        if case .object(let present)? = object["annotations"] { annotations = present }
        annotations[name] = value.map { .string($0) }
        var object = object
        if annotations.isEmpty {
            object["annotations"] = nil
        } else {
            object["annotations"] = .object(annotations)
        }
        return try Descriptor(.object(object))
    }
}
