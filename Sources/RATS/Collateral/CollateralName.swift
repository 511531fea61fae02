/// Which piece of collateral: what a manufacturer publishes so that evidence of its hardware can be verified.
///
/// A name is a path such as `intel/tcb/tdx/00806f050000/standard`. It says what is wanted, never where to get it.
public struct CollateralName: Sendable, Hashable, Comparable, CustomStringConvertible {
    /// The greatest length of a name, in bytes.
    public static let maximumLength = 256

    /// Two to eight segments of small letters, digits, `.`, `_` and `-`, none of them `.` or `..`, joined by `/`.
    public let path: String

    /// A name from its text form, or `nil` when the text is no such path.
    public init?(_ path: String) {
        let segments = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard path.utf8.count <= Self.maximumLength, (2...8).contains(segments.count),
            segments.allSatisfy(Self.isSegment)
        else { return nil }
        self.path = path
    }

    /// A name from segments that a vendor's extension made, each of which is known to be one.
    init(segments: String...) {
        path = segments.joined(separator: "/")
    }

    /// The segments of the path.
    public var segments: [String] { path.split(separator: "/").map(String.init) }

    /// The path.
    public var description: String { path }

    /// Orders names by their text.
    public static func < (left: CollateralName, right: CollateralName) -> Bool { left.path < right.path }

    private static func isSegment(_ segment: Substring.UTF8View.SubSequence) -> Bool {
        !segment.isEmpty && segment.contains { $0 != UInt8(ascii: ".") }
            && segment.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                    UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }
}
