/// The part of a request's path after `/kbs/v0/`: a plugin and the plugin's own path.
public struct RequestPath: Sendable, Hashable {
    /// The first segment; empty when the path ends after the prefix.
    public let plugin: String
    /// The other segments, exactly as received.
    public let segments: [String]

    /// Takes the raw path apart, as it stood on the request line: not percent-decoded, without the query.
    ///
    /// One empty segment directly after the plugin's name is dropped, because released guests that are given a path
    /// with a leading slash ask for `resource//a/b/c`. Nothing else is tolerated: throws `invalid_request_path` for any
    /// other empty segment, a trailing slash, the segments `.` and `..`, a percent sign, a backslash and every byte
    /// that is not visible ASCII.
    public init(raw: String) throws(KBSProtocolError) {
        guard raw.utf8.count <= 8192, raw.utf8.allSatisfy(Self.isPermitted) else { throw .invalidRequestPath }
        var parts = raw.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).map {
            String(decoding: $0, as: UTF8.self)
        }
        plugin = parts.removeFirst()
        if plugin.isEmpty {
            guard parts.isEmpty else { throw .invalidRequestPath }
        } else if parts.count > 1, parts[0].isEmpty {
            parts.removeFirst()
        }
        guard parts.allSatisfy({ !$0.isEmpty && $0 != "." && $0 != ".." }), plugin != ".", plugin != ".." else {
            throw .invalidRequestPath
        }
        segments = parts
    }

    private static func isPermitted(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "%"), UInt8(ascii: "\\"), UInt8(ascii: "?"), UInt8(ascii: "#"): false
        case 0x21...0x7e: true
        default: false
        }
    }
}

/// The query of a request, which plugins and policies see as a map.
public enum RequestQuery {
    /// Reads `application/x-www-form-urlencoded` text; of a repeated key the last value counts.
    ///
    /// Throws `invalid_query` for a broken percent escape and for text that is not UTF-8 once decoded.
    public static func parse(_ raw: String) throws(KBSProtocolError) -> [String: String] {
        var result: [String: String] = [:]
        for pair in raw.utf8.split(separator: UInt8(ascii: "&")) {
            let parts = pair.split(separator: UInt8(ascii: "="), maxSplits: 1, omittingEmptySubsequences: false)
            result[try decode(parts[0])] = parts.count == 2 ? try decode(parts[1]) : ""
        }
        return result
    }

    private static func decode(_ bytes: Substring.UTF8View) throws(KBSProtocolError) -> String {
        let invalid = KBSProtocolError(code: "invalid_query", message: "The query is not properly encoded.")
        var decoded: [UInt8] = []
        var rest = bytes[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"): decoded.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let high = rest.popFirst().flatMap(hexValue), let low = rest.popFirst().flatMap(hexValue) else {
                    throw invalid
                }
                decoded.append(high << 4 | low)
            default: decoded.append(byte)
            }
        }
        guard let text = String(validating: decoded, as: UTF8.self) else { throw invalid }
        return text
    }

    private static func hexValue(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        default: nil
        }
    }
}

extension KBSProtocolError {
    static let invalidRequestPath = KBSProtocolError(
        code: "invalid_request_path", message: "The request path is not a plain path of named segments.")
}
