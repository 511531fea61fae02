/// Which objects a cache holds, and how it gets them.
public struct CacheSettings: Sendable, Hashable {
    /// The namespace; nil for all.
    public var namespace: String?
    /// Selects by labels, in the API's own notation.
    public var labelSelector: String?
    /// Selects by fields, in the API's own notation.
    public var fieldSelector: String?
    /// Whether only metadata is asked for and held.
    public var metadataOnly: Bool
    /// Whether the collection is first asked for as a stream (WatchList), where the server does that.
    public var usesWatchList: Bool
    /// Objects of one page of a list.
    public var pageSize = 500
    /// Waits after failures that pass by themselves.
    public var backoff = Backoff(shortest: .milliseconds(800), longest: .seconds(30))
    /// Waits after failures that somebody has to mend: a missing role, a missing resource definition.
    public var slowBackoff = Backoff(shortest: .seconds(2), longest: .seconds(60))

    /// A cache of the objects that are selected.
    public init(
        namespace: String? = nil, labelSelector: String? = nil, fieldSelector: String? = nil,
        metadataOnly: Bool = false, usesWatchList: Bool = true
    ) {
        self.namespace = namespace
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.metadataOnly = metadataOnly
        self.usesWatchList = usesWatchList
    }
}
