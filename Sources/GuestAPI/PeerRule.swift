import NIOCore

/// Who may talk to the agent: processes of this machine or pod, by Unix socket or loopback.
enum PeerRule {
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
