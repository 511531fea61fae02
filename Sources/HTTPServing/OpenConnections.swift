public import NIOCore
public import ServiceLifecycle
import Synchronization

/// The connections that are open, so that a shutdown can close those whose peers hold them open for nothing.
///
/// HTTP/1.1 connections end by themselves once they are idle. A client that never finishes its handshake, or ignores
/// HTTP/2's farewell, would keep the process from ending; and cancelling the server instead would take the answers away
/// from requests under way.
public final class OpenConnections: Service {
    private let channels = Mutex<[ObjectIdentifier: any Channel]>([:])
    private let patience: Duration

    /// No connections yet.
    ///
    /// - Parameter patience: How long a shutdown waits for requests under way.
    public init(patience: Duration) {
        self.patience = patience
    }

    /// Keeps a connection in the list while it is open.
    public func insert(_ channel: any Channel) {
        channels.withLock { $0[ObjectIdentifier(channel)] = channel }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.channels.withLock { $0[ObjectIdentifier(channel)] = nil }
        }
    }

    /// Waits for the shutdown, then at most `patience`, then closes what is still open.
    public func run() async throws {
        try? await gracefulShutdown()
        let clock = ContinuousClock()
        let end = clock.now + patience
        while clock.now < end, !channels.withLock({ $0.isEmpty }) {
            try await Task.sleep(for: .milliseconds(50))
        }
        for channel in channels.withLock({ Array($0.values) }) { channel.close(promise: nil) }
    }
}
