/// What a list asks for.
public struct ListOptions: Sendable, Hashable {
    /// How the server reads ``resourceVersion``.
    public enum VersionMatch: String, Sendable, Hashable {
        /// Exactly that version.
        case exact = "Exact"
        /// That version or any later one.
        case notOlderThan = "NotOlderThan"
    }

    /// Selects by labels, in the API's own notation.
    public var labelSelector: String?
    /// Selects by fields, in the API's own notation.
    public var fieldSelector: String?
    /// Most objects of one page; nil asks for all at once.
    public var limit: Int?
    /// Asks for the page after the one that gave this token.
    public var continueToken: String?
    /// Which version to show; nil for the newest, `0` for whatever the server has at hand.
    public var resourceVersion: String?
    /// How ``resourceVersion`` is read; nil leaves it to the server.
    public var resourceVersionMatch: VersionMatch?
    /// Whether only the metadata is sent (`PartialObjectMetadata`).
    public var metadataOnly: Bool

    /// Describes a list.
    public init(
        labelSelector: String? = nil, fieldSelector: String? = nil, limit: Int? = nil, continueToken: String? = nil,
        resourceVersion: String? = nil, resourceVersionMatch: VersionMatch? = nil, metadataOnly: Bool = false
    ) {
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.limit = limit
        self.continueToken = continueToken
        self.resourceVersion = resourceVersion
        self.resourceVersionMatch = resourceVersionMatch
        self.metadataOnly = metadataOnly
    }
}

/// What a watch asks for.
public struct WatchOptions: Sendable, Hashable {
    /// Selects by labels, in the API's own notation.
    public var labelSelector: String?
    /// Selects by fields, in the API's own notation.
    public var fieldSelector: String?
    /// The version after which events begin.
    public var resourceVersion: String?
    /// When the server ends the watch; nil for a random time of the client's configuration, so that not all watches end at
    /// once.
    public var timeoutSeconds: Int?
    /// Whether the server tells from time to time how far the watch is, which also shows that it is alive.
    public var allowBookmarks: Bool
    /// Whether the watch begins with what exists, ended by a bookmark (WatchList), in place of a list.
    public var sendInitialEvents: Bool
    /// Whether only the metadata is sent (`PartialObjectMetadata`).
    public var metadataOnly: Bool

    /// Describes a watch.
    public init(
        labelSelector: String? = nil, fieldSelector: String? = nil, resourceVersion: String? = nil,
        timeoutSeconds: Int? = nil, allowBookmarks: Bool = true, sendInitialEvents: Bool = false,
        metadataOnly: Bool = false
    ) {
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.resourceVersion = resourceVersion
        self.timeoutSeconds = timeoutSeconds
        self.allowBookmarks = allowBookmarks
        self.sendInitialEvents = sendInitialEvents
        self.metadataOnly = metadataOnly
    }
}

/// What must hold of an object for it to be deleted.
public struct DeletePreconditions: Sendable, Hashable {
    /// The object's identity.
    public var uid: String?
    /// The object's version.
    public var resourceVersion: String?

    /// Demands what is not nil.
    public init(uid: String? = nil, resourceVersion: String? = nil) {
        self.uid = uid
        self.resourceVersion = resourceVersion
    }
}
