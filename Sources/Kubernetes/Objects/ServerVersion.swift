/// The version of an API server, as it says itself.
public struct ServerVersion: Sendable, Hashable, Comparable {
    /// The first number.
    public let major: Int
    /// The second number, without what providers append to it.
    public let minor: Int

    /// A version.
    public init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    /// Compares the first number, then the second.
    public static func < (left: ServerVersion, right: ServerVersion) -> Bool {
        (left.major, left.minor) < (right.major, right.minor)
    }
}
