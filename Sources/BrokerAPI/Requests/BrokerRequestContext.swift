import Encodings
import Hummingbird
import NIOCore

/// What the server knows about a request besides its bytes.
struct BrokerRequestContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    /// The peer as the rate limiter counts it: an IPv4 address, or the /64 network of an IPv6 address.
    let source: String

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        // A stream of an HTTP/2 connection has no address of its own.
        let channel = source.channel
        self.source = Self.rateLimitKey(channel.remoteAddress ?? channel.parent?.remoteAddress)
    }

    static func rateLimitKey(_ address: SocketAddress?) -> String {
        switch address {
        case .v4(let address):
            return withUnsafeBytes(of: address.address.sin_addr) { Hex.encode(Array($0)) }
        case .v6(let address):
            let bytes = withUnsafeBytes(of: address.address.sin6_addr) { Array($0) }
            let isMappedIPv4 = bytes[0..<12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
            return Hex.encode(isMappedIPv4 ? bytes[12...] : bytes[..<8])
        case .unixDomainSocket: return "unix"
        case nil: return "unknown"
        }
    }
}
