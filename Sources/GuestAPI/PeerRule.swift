import NIOCore

/// Who may talk to the agent: processes of this machine or pod, by Unix socket or loopback.
enum PeerRule {
    /// Whether a `Host` names this machine. A page in a browser here can point a name of its own at 127.0.0.1 and read
    /// what is served there, but it cannot choose another host to name (DNS rebinding).
    static func isLocal(authority: String) -> Bool {
        var host = authority[...]
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") { host = host[..<colon] }
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        if host.lowercased() == "localhost" { return true }
        return (try? SocketAddress(ipAddress: String(host), port: 0)).map { isLocal($0) } ?? false
    }

    static func isLocal(_ peer: SocketAddress) -> Bool {
        switch peer {
        case .unixDomainSocket:
            return true
        case .v4(let address):
            return withUnsafeBytes(of: address.address.sin_addr) { $0.first == 127 }
        case .v6(let address):
            return withUnsafeBytes(of: address.address.sin6_addr) { bytes in
                let loopback = [UInt8](repeating: 0, count: 15) + [1]
                let mapped = [UInt8](repeating: 0, count: 10) + [0xFF, 0xFF, 127]
                return bytes.elementsEqual(loopback) || bytes.starts(with: mapped)
            }
        }
    }
}
