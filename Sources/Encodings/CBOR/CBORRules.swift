/// Which of the many encodings of CBOR (RFC 8949) are accepted, and how much of it.
///
/// Always refused: keys that stand twice in a map, texts that are not UTF-8, and bytes after the item.
public struct CBORRules: Sendable, Hashable {
    /// Most bytes.
    public var maximumBytes: Int
    /// Deepest nesting of arrays, maps and tags. Values above ``CBORRules/deepestNesting`` count as that.
    public var maximumDepth: Int
    /// Most items altogether, containers and keys included.
    public var maximumItems: Int
    /// Lets in arrays and maps that end with a mark instead of saying how much they hold. Strings in pieces are never let
    /// in.
    public var allowsIndefiniteContainers: Bool
    /// Lets in numbers and lengths that take more bytes than they need.
    public var allowsLongHeads: Bool
    /// Demands the order of keys of core deterministic encoding (RFC 8949 section 4.2.1): by their encoded bytes.
    public var requiresSortedKeys: Bool

    /// No setting lets the reader recurse deeper than this.
    public static let deepestNesting = 64

    /// Preferred serialisation with definite lengths (RFC 8949 section 4.1), whatever the order of keys.
    public static let strict = CBORRules()
    /// Core deterministic encoding (RFC 8949 section 4.2.1): one encoding for each item.
    public static let deterministic = CBORRules(requiresSortedKeys: true)

    /// ``strict`` with limits of 1 MiB, 16 levels and 65,536 items unless told otherwise.
    public init(
        maximumBytes: Int = 1 << 20, maximumDepth: Int = 16, maximumItems: Int = 1 << 16,
        allowsIndefiniteContainers: Bool = false, allowsLongHeads: Bool = false, requiresSortedKeys: Bool = false
    ) {
        self.maximumBytes = maximumBytes
        self.maximumDepth = maximumDepth
        self.maximumItems = maximumItems
        self.allowsIndefiniteContainers = allowsIndefiniteContainers
        self.allowsLongHeads = allowsLongHeads
        self.requiresSortedKeys = requiresSortedKeys
    }
}
