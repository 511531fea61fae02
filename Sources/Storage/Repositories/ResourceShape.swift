/// A pattern of resources: for each of the three segments what it must be, nil for anything.
public struct ResourceShape: Sendable, Hashable {
    /// Repository, type and tag.
    public let segments: [String?]

    /// A shape from its segments.
    public init(_ segments: [String?]) { self.segments = segments }

    /// The paths that begin as the shape does lie between these two, the second excluded.
    var bounds: (low: String, high: String) {
        let fixed = segments.prefix { $0 != nil }.compactMap(\.self)
        let prefix = fixed.joined(separator: "/")
        if fixed.isEmpty { return ("", "\u{10FFFF}") }
        // "0" comes after "/", and U+0001 before everything else that can follow.
        return fixed.count == segments.count ? (prefix, prefix + "\u{1}") : (prefix + "/", prefix + "0")
    }
}

/// How many stored resources some shapes are about.
public enum ResourceCount: Sendable, Hashable {
    /// So many, of those that were looked at.
    case known(Int)
    /// None was found, and not all were looked at.
    case unknown
}
