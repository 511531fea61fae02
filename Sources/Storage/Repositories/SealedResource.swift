import FoundationEssentials

/// One encrypted version of a resource, as it lies in the database.
public struct SealedResource: Sendable, Hashable {
    /// The resource's path, exactly as it was stored.
    public let path: String
    /// The tenant that owns the path.
    public let tenant: String
    /// The version; rises with every write of the path and is never used again.
    public let version: Int
    /// The media type that the writer named, if any.
    public let contentType: String?
    let wrappedKey: [UInt8]
    /// Nil while a value of more than ``maximumFetchedBytes`` was not asked for.
    let ciphertext: [UInt8]?

    /// Up to this size, in bytes, a value comes with the deciding read. Larger ones are fetched once the release is allowed:
    /// a denied caller neither costs their transfer nor learns their size by the time that it takes.
    static let maximumFetchedBytes = 16_384
}

/// A resource in a list: everything but its value.
public struct ResourceSummary: Sendable, Hashable {
    /// The resource's path.
    public let path: String
    /// The tenant that owns the path.
    public let tenant: String
    /// The latest version.
    public let version: Int
    /// The media type that the writer named, if any.
    public let contentType: String?
    /// When the latest version was written, by the database's clock.
    public let createdAt: Date
    /// Who wrote the latest version.
    public let createdBy: String
}

/// One version of a resource in its history: everything but its value.
public struct ResourceVersion: Sendable, Hashable {
    /// The version.
    public let version: Int
    /// When it was written, by the database's clock.
    public let createdAt: Date
    /// Who wrote it.
    public let createdBy: String
    /// When its data key was destroyed; nil while it can be opened.
    public let destroyedAt: Date?
    /// Who destroyed it.
    public let destroyedBy: String?
    /// The key-encryption key that its data key is wrapped under; nil once it is destroyed.
    public let keyID: String?
}
