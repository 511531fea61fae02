public import Encodings

/// What is remembered of a brokered secret, opened. Its values are versions of a resource.
public struct StoredSecret: Sendable {
    /// The namespace of the object that asked for it.
    public let namespace: String
    /// The name of that object.
    public let name: String
    /// The source that the object came from; empty when only a memory is left of it.
    public let source: String
    /// The resource's path; nil when only a memory is left.
    public let path: String?
    /// When it is to be rotated, in seconds since 1970; nil for never.
    public let nextRotation: Int64?
    /// Rises with every change of this row.
    public let revision: Int64
    /// What the broker noted.
    public let content: SecretBytes
}

/// A change of what is remembered of a brokered secret, with a new value or without.
public struct SecretChange: Sendable {
    /// A value that becomes the next version of the resource.
    public struct NewValue: Sendable {
        /// The version, as it was reserved.
        public var version: Int
        /// The value.
        public var value: SecretBytes
        /// The latest version that there was when the change was decided on; 0 for none.
        public var replaces: Int64

        /// A value with its version.
        public init(version: Int, value: SecretBytes, replaces: Int64) {
            self.version = version
            self.value = value
            self.replaces = replaces
        }
    }

    /// The namespace of the object, which is the tenant of the resource.
    public var namespace: String
    /// The object's name.
    public var name: String
    /// The source; empty when only a memory is to be left.
    public var source: String
    /// The resource; nil when only a memory is to be left.
    public var path: String?
    /// When it is to be rotated, in seconds since 1970.
    public var nextRotation: Int64?
    /// What the broker notes, which it reads again later.
    public var content: SecretBytes
    /// Who is recorded as the author.
    public var author: String
    /// The revision that the change was decided on; 0 when there was none.
    public var after: Int64
    /// The number that the source showed; nil for changes that the broker makes by itself.
    public var fence: Int64?
    /// The source whose fence it is.
    public var fencedSource: String
    /// The number of the request within the term of that leader; nil from a sender who does not count.
    public var sequence: Int64?
    /// A new value.
    public var value: NewValue?
    /// How many versions stay; nil leaves them all.
    public var versionsKept: Int64?
    /// The last version that is somebody else's: none up to it is destroyed, however few are kept.
    public var foreignThrough: Int64

    /// A change that brings no value.
    public init(
        namespace: String, name: String, source: String, path: String?, nextRotation: Int64? = nil,
        content: SecretBytes, author: String, after: Int64, fence: Int64? = nil, fencedSource: String = "",
        sequence: Int64? = nil, value: NewValue? = nil, versionsKept: Int64? = nil, foreignThrough: Int64 = 0
    ) {
        self.namespace = namespace
        self.name = name
        self.source = source
        self.path = path
        self.nextRotation = nextRotation
        self.content = content
        self.author = author
        self.after = after
        self.fence = fence
        self.fencedSource = fencedSource
        self.sequence = sequence
        self.value = value
        self.versionsKept = versionsKept
        self.foreignThrough = foreignThrough
    }
}
