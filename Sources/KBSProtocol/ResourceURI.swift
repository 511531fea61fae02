/// A resource as guests name it: `kbs[+plugin]://[host[:port]]/segment[/segment…][?query]`.
///
/// A guest ignores the host and asks the broker that it was configured with.
public struct ResourceURI: Sendable, Hashable, CustomStringConvertible {
    /// Longest authority, path and query together, in bytes.
    static let maximumBytes = 4096

    /// The plugin that serves the resource; `resource` unless the URI names another.
    public let plugin: String
    /// The path without its leading slash.
    public let path: String
    /// The query without its question mark, as written.
    public let query: String?
    /// The host and port as written; empty in almost every URI.
    public let authority: String

    /// The URI of a path that a plugin serves.
    public init(plugin: String = "resource", path: String, query: String? = nil) throws(KBSProtocolError) {
        try self.init(plugin: plugin, authority: "", path: path, query: query)
    }

    /// Reads a URI.
    ///
    /// Throws `invalid_resource_uri` when the scheme is not `kbs`, when `kbs+` is followed by no plugin name, and when
    /// the path is not a plain path of named segments, or the URI has more than 4 KiB.
    public init(_ text: String) throws(KBSProtocolError) {
        guard let schemeEnd = text.utf8.firstIndex(of: UInt8(ascii: ":")) else { throw .invalidURI(Self.schemeRule) }
        let scheme = text[..<schemeEnd]
        var rest = text[text.utf8.index(after: schemeEnd)...]
        guard rest.hasPrefix("//") else { throw .invalidURI("it needs '//' after the scheme") }
        rest = rest.dropFirst(2)

        let plugin: String
        if scheme == "kbs" {
            plugin = "resource"
        } else if scheme.hasPrefix("kbs+") {
            plugin = String(scheme.dropFirst(4))
            guard !plugin.isEmpty else { throw .invalidURI("kbs+ requires a plugin name") }
        } else {
            throw .invalidURI(Self.schemeRule)
        }
        guard let pathStart = rest.utf8.firstIndex(of: UInt8(ascii: "/")) else { throw .invalidURI("it has no path") }
        let authority = String(rest[..<pathStart])
        let afterSlash = rest[rest.utf8.index(after: pathStart)...]
        let parts = afterSlash.utf8.split(
            separator: UInt8(ascii: "?"), maxSplits: 1, omittingEmptySubsequences: false
        ).map { String(Substring($0)) }
        try self.init(plugin: plugin, authority: authority, path: parts[0], query: parts.count == 2 ? parts[1] : nil)
    }

    private init(plugin: String, authority: String, path: String, query: String?) throws(KBSProtocolError) {
        guard Self.isPlainPath(path) else { throw .invalidURI("its path is not a plain path of named segments") }
        guard !plugin.isEmpty, plugin != ".", plugin != "..", plugin.utf8.allSatisfy(Self.isPluginByte) else {
            throw .invalidURI("its plugin name is not a name")
        }
        // A URI becomes part of a request line, and of log lines.
        guard authority.utf8.count + path.utf8.count + (query ?? "").utf8.count <= Self.maximumBytes else {
            throw .invalidURI("it has more than \(Self.maximumBytes) bytes")
        }
        guard (query ?? "").utf8.allSatisfy({ (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "#") }),
            authority.utf8.allSatisfy({
                (0x21...0x7e).contains($0) && $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#")
            })
        else { throw .invalidURI("it has characters that a URI cannot have") }
        self.plugin = plugin
        self.authority = authority
        self.path = path
        self.query = query
    }

    /// The resource's name, for URIs of the plugin `resource`.
    ///
    /// Throws `invalid_resource_path` when the path does not name a resource, and `invalid_resource_uri` for a URI of
    /// another plugin.
    public func resourcePath() throws(KBSProtocolError) -> ResourcePath {
        guard plugin == "resource" else { throw .invalidURI("it is served by plugin \(plugin)") }
        return try ResourcePath(path)
    }

    /// The path to ask a broker for: `plugin/path`, with the query when there is one.
    public var requestTarget: String {
        query.map { "\(plugin)/\(path)?\($0)" } ?? "\(plugin)/\(path)"
    }

    /// The URI in its normal form: the plugin `resource` is left out.
    public var description: String {
        let scheme = plugin == "resource" ? "kbs" : "kbs+\(plugin)"
        return "\(scheme)://\(authority)/\(path)" + (query.map { "?\($0)" } ?? "")
    }

    private static let maximumPathBytes = 8_192
    private static let schemeRule = "its scheme must be kbs"

    /// Whether a path is made of named segments of visible ASCII: none is empty, `.` or `..`, and nothing in them is there
    /// to be decoded.
    private static func isPlainPath(_ path: String) -> Bool {
        let isPermitted = { (byte: UInt8) in
            (0x21...0x7e).contains(byte) && !"%\\?#".utf8.contains(byte)
        }
        guard path.utf8.count <= maximumPathBytes, path.utf8.allSatisfy(isPermitted) else { return false }
        return path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
            !$0.isEmpty && $0 != "." && $0 != ".."
        }
    }

    private static func isPluginByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "+"),
            UInt8(ascii: "_"):
            true
        default: false
        }
    }
}

extension KBSProtocolError {
    static func invalidURI(_ reason: String) -> KBSProtocolError {
        KBSProtocolError(code: "invalid_resource_uri", message: "The resource URI is refused: \(reason).")
    }
}
