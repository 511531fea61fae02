import Broker

/// The request target as it was received (RFC 9112 section 3.2), split and not normalised.
///
/// The bytes that a policy matches are the bytes that name the resource, so nothing is decoded, folded or removed
/// here: a path that would need it is refused by whoever wants a name out of it.
struct RequestTarget: Sendable, Hashable {
    /// The whole target: path and query.
    let text: String
    /// The path's segments; `/a/b` gives `["a", "b"]`, `/a/` gives `["a", ""]`.
    let segments: [String]
    /// What follows the first `?`, or `nil` without one.
    let query: String?

    /// Throws `malformed` for a target that is no absolute path of visible ASCII characters.
    init(_ text: String) throws(BrokerError) {
        guard text.utf8.first == UInt8(ascii: "/"), text.utf8.count <= 8_192,
            text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "\\") })
        else {
            throw .invalidPath
        }
        self.text = text
        let parts = text.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        query = parts.count == 2 ? String(parts[1]) : nil
        segments = parts[0].dropFirst().split(separator: "/", omittingEmptySubsequences: false).map(String.init)
    }

    private init(text: String, segments: [String], query: String?) {
        self.text = text
        self.segments = segments
        self.query = query
    }

    /// The target without the empty segment after `resource` that some released clients send
    /// (`/kbs/v0/resource//repository/type/tag`); any other empty segment stays and is refused later. The text changes with
    /// the segments, so that an access rule judges the name that is used.
    func toleratingDuplicateSlash() -> RequestTarget {
        guard segments.count == 7, segments[0...3] == ["kbs", "v0", "resource", ""] else { return self }
        var segments = segments
        segments.remove(at: 3)
        let text = "/" + segments.joined(separator: "/") + (query.map { "?" + $0 } ?? "")
        return RequestTarget(text: text, segments: segments, query: query)
    }
}

extension BrokerError {
    /// The path names nothing that could exist here.
    static let invalidPath = BrokerError(
        kind: .malformed, variant: "InvalidRequestPath", code: "invalid_path", message: "Request path is invalid")
}
