import Encodings
import NIOCore

/// A request as the REST face sees it.
struct RESTRequest: Sendable {
    var method: String
    /// Path and query as received.
    var target: String
    /// The host that the client believes to talk to, with its port; nil when it named none.
    var authority: String?
    /// Nil on a Unix socket.
    var peer: SocketAddress?
    /// Who connected to a Unix socket, where that matters.
    var caller: PeerIdentity?
    var body: [UInt8] = []

    var path: String { String(target.prefix { $0 != "?" }) }

    /// The decoded value of a query parameter (`application/x-www-form-urlencoded`); nil when it is missing or
    /// malformed.
    func parameter(_ name: String) -> String? {
        guard let mark = target.firstIndex(of: "?") else { return nil }
        for pair in target[target.index(after: mark)...].split(separator: "&") {
            let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard Self.decoded(parts[0]) == name else { continue }
            return parts.count == 2 ? Self.decoded(parts[1]) : ""
        }
        return nil
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            switch byte {
            case UInt8(ascii: "+"):
                bytes.append(UInt8(ascii: " "))
            case UInt8(ascii: "%"):
                guard let digits = String(rest.prefix(2)), let pair = try? Hex.decode(digits), pair.count == 1 else {
                    return nil
                }
                bytes += pair
                rest = rest.dropFirst(2)
            default:
                bytes.append(byte)
            }
        }
        return String(validating: bytes, as: UTF8.self)
    }
}

/// An answer of the REST face.
struct RESTAnswer: Sendable {
    var status: Int
    var contentType = "text/plain; charset=utf-8"
    var body: [UInt8]
    var retryAfter: Int?

    static func text(_ status: Int, _ text: String) -> RESTAnswer {
        RESTAnswer(status: status, body: Array(text.utf8))
    }

    static func json(_ status: Int, _ object: JSONObject, retryAfter: Int? = nil) -> RESTAnswer {
        RESTAnswer(
            status: status, contentType: "application/json", body: object.serialized(), retryAfter: retryAfter)
    }

    static func bytes(_ bytes: [UInt8]) -> RESTAnswer {
        RESTAnswer(status: 200, contentType: "application/octet-stream", body: bytes)
    }
}
