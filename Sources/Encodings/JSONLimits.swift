/// Bounds on what the JSON reader accepts, so that no input costs more than it justifies.
public struct JSONLimits: Sendable, Hashable {
    /// Longest text in bytes.
    public var maximumBytes: Int
    /// Deepest nesting of arrays and objects. Values above `JSONLimits.deepestNesting` count as that.
    public var maximumDepth: Int
    /// Most values altogether, containers included.
    public var maximumValues: Int

    /// No setting lets the reader recurse deeper than this.
    public static let deepestNesting = 512

    /// Limits of 2 MiB, 32 levels and a million values unless told otherwise.
    public init(maximumBytes: Int = 2_097_152, maximumDepth: Int = 32, maximumValues: Int = 1_000_000) {
        self.maximumBytes = maximumBytes
        self.maximumDepth = maximumDepth
        self.maximumValues = maximumValues
    }
}
