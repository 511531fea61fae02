/// The name of a resource: repository, type and tag.
///
/// Each part begins with an ASCII letter, a digit, `_` or `-` and goes on with these or `.`. Names are compared byte by
/// byte as they were received; nothing is ever decoded, folded or tidied up.
public struct ResourcePath: Sendable, Hashable, CustomStringConvertible {
    /// The first part; it is also the tenant.
    public let repository: String
    /// The second part.
    public let type: String
    /// The third part.
    public let tag: String

    /// The greatest length of a whole path in bytes.
    public static let maximumBytes = 1024

    /// The path written as `repository/type/tag`. Throws `invalid_resource_path`.
    public init(_ text: String) throws(KBSProtocolError) {
        try self.init(
            segments: text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
                String(decoding: $0, as: UTF8.self)
            })
    }

    /// The path of exactly three segments. Throws `invalid_resource_path`.
    public init(segments: [String]) throws(KBSProtocolError) {
        guard segments.count == 3, segments.allSatisfy(Self.isSegment),
            segments.reduce(2, { $0 + $1.utf8.count }) <= Self.maximumBytes
        else {
            throw KBSProtocolError(
                code: "invalid_resource_path",
                message: "A resource is named repository/type/tag, in letters, digits, '_', '-' and '.', "
                    + "and no part is empty or begins with '.'.")
        }
        (repository, type, tag) = (segments[0], segments[1], segments[2])
    }

    /// The three parts.
    public var segments: [String] { [repository, type, tag] }

    /// The path as `repository/type/tag`.
    public var description: String { "\(repository)/\(type)/\(tag)" }

    private static func isSegment(_ segment: String) -> Bool {
        guard let first = segment.utf8.first, first != UInt8(ascii: ".") else { return false }
        return segment.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                true
            default: false
            }
        }
    }
}
