import Encodings

/// A pattern of resource paths, matched on whole segments: `*` stands for exactly one segment, `**` at the end for
/// any number of them; everything else stands for itself.
public struct ResourcePattern: Sendable, Hashable, CustomStringConvertible {
    package enum Segment: Sendable, Hashable {
        case literal(String)
        case one
        case rest
    }

    static let maximumSegments = 16

    package let segments: [Segment]
    /// The pattern as it was written.
    public let description: String

    /// Why a text is no pattern.
    struct Refusal: Error {
        let message: String
        let hint: String
    }

    init(_ text: String) throws(Refusal) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count <= Self.maximumSegments else {
            throw Refusal(
                message: "The pattern has more than \(Self.maximumSegments) segments.", hint: "use '**' at the end")
        }
        var segments: [Segment] = []
        for (index, part) in parts.enumerated() {
            segments.append(try Self.segment(String(part), last: index == parts.count - 1, in: text))
        }
        self.segments = segments
        description = text
    }

    private static func segment(_ part: String, last: Bool, in text: String) throws(Refusal) -> Segment {
        switch part {
        case "*": return .one
        case "**":
            guard last else {
                throw Refusal(
                    message: "'**' may only be the last segment of '\(text)'.", hint: "use '*' for one segment")
            }
            return .rest
        case "":
            throw Refusal(
                message: "The pattern '\(text)' has an empty segment.",
                hint: "write repository/type/tag, without a slash at the ends")
        default: break
        }
        if part.contains("*") {
            throw Refusal(
                message: "'\(part)' mixes '*' with other characters; segments are matched as a whole.",
                hint: "use '*' for a whole segment, or name each resource")
        }
        guard part != ".", part != "..", part.utf8.allSatisfy(isAllowed) else {
            throw Refusal(
                message: "'\(part)' cannot be a segment of a resource.",
                hint: "segments have letters, digits, '_', '-' and '.', and no regular expressions")
        }
        return .literal(part)
    }

    private static func isAllowed(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: true
        default: "_-.:@=+~".utf8.contains(byte)
        }
    }

    /// The first segment, when it stands for itself.
    var firstLiteral: String? {
        if case .literal(let text) = segments.first { return text }
        return nil
    }

    /// Whether the pattern matches a path, compared byte for byte as it was received.
    public func matches(_ path: [String]) -> Bool {
        for (index, segment) in segments.enumerated() {
            switch segment {
            case .rest: return true
            case .one: guard index < path.count else { return false }
            case .literal(let text):
                guard index < path.count, text.hasSameUTF8(as: path[index]) else { return false }
            }
        }
        return path.count == segments.count
    }

    /// Whether every path that `self` matches is one of `repository`.
    func staysWithin(_ repository: String) -> Bool {
        firstLiteral == repository && segments.count > 1
    }
}
