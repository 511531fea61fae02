import Glibc
import NIOCore

/// The process at the other end of a Unix socket, as the kernel recorded it when the socket was connected.
struct PeerIdentity: Sendable, Hashable {
    let processID: Int32
    let userID: UInt32
    let groupID: UInt32

    /// Asks the kernel (`SO_PEERCRED`).
    static func of(_ channel: any Channel) -> EventLoopFuture<PeerIdentity> {
        guard let provider = channel as? any SocketOptionProvider else {
            return channel.eventLoop.makeFailedFuture(ChannelError.operationUnsupported)
        }
        // The fields are those of `struct ucred`: three numbers of four bytes.
        return provider.unsafeGetSocketOption(level: .socket, name: .init(rawValue: SO_PEERCRED))
    }
}
