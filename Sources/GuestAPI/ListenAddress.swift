import NIOCore

/// Where a face listens: `host:port` with a numeric host or `localhost`, `[v6]:port`, or `unix:/path`.
public enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
    /// A TCP port on a numeric address.
    case tcp(host: String, port: Int)
    /// A Unix stream socket.
    case unix(path: String)

    /// Reads an address.
    ///
    /// - Throws: `ListenAddressError`.
    public init(_ text: String) throws(ListenAddressError) {
        if text.hasPrefix("unix:") {
            let rest = text.dropFirst(5)
            let path = String(rest.hasPrefix("//") ? rest.dropFirst(2) : rest)
            guard path.hasPrefix("/"), path.utf8.count <= 107, !path.utf8.contains(0) else {
                throw ListenAddressError("\(text) is no Unix socket address: unix:/absolute/path of at most 107 bytes")
            }
            self = .unix(path: path)
            return
        }
        guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
            throw ListenAddressError("\(text) is no address: host:port or unix:/path")
        }
        var host = String(text[..<colon])
        if host == "localhost" { host = "127.0.0.1" }
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        guard (try? SocketAddress(ipAddress: host, port: Int(port))) != nil else {
            throw ListenAddressError("\(text) has no numeric host")
        }
        self = .tcp(host: host, port: Int(port))
    }

    /// The form that ``init(_:)`` reads.
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Whether it is a Unix socket, whose callers the kernel names.
    public var isUnixSocket: Bool {
        if case .unix = self { true } else { false }
    }

    /// Whether only this machine, or this pod, can connect.
    public var isLocal: Bool {
        switch self {
        case .unix: true
        case .tcp(let host, let port): (try? SocketAddress(ipAddress: host, port: port)).map(PeerRule.isLocal) ?? false
        }
    }
}

/// An address that cannot be read.
public struct ListenAddressError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A sentence for the operator.
    public let message: String

    init(_ message: String) {
        self.message = message
    }

    /// The sentence.
    public var description: String { message }
}
