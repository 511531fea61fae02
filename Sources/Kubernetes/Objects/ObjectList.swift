/// One page of a collection.
public struct ObjectList: Sendable, Hashable {
    /// The objects, each with its apiVersion and kind even where the server leaves them out.
    public var items: [KubernetesObject]
    /// The version of the collection that the page shows: where a watch begins.
    public var resourceVersion: String
    /// Asks for the next page; nil on the last one.
    public var continueToken: String?
    /// How many objects follow, where the server tells.
    public var remainingItemCount: Int64?

    /// A page.
    public init(
        items: [KubernetesObject], resourceVersion: String, continueToken: String? = nil,
        remainingItemCount: Int64? = nil
    ) {
        self.items = items
        self.resourceVersion = resourceVersion
        self.continueToken = continueToken
        self.remainingItemCount = remainingItemCount
    }
}
