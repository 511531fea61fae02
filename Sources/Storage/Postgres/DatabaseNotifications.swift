import CLibPQ
import CLinux
import Glibc
import Synchronization

/// What a listener hears.
public enum DatabaseNotification: Sendable, Hashable {
    /// The connection listens, for the first time or again: notifications may have been missed, so load everything anew.
    case listening
    /// Somebody notified the channel.
    case notified(payload: String)
}

extension Database {
    /// Listens to a channel on a connection of its own, which comes back by itself; the stream ends when its reader is
    /// cancelled or lets go of it. Starts with `.listening` as soon as the database can be reached.
    public func notifications(channel: String) -> AsyncStream<DatabaseNotification> {
        let string = string
        return AsyncStream(bufferingPolicy: .bufferingNewest(256)) { continuation in
            do throws(StorageError) {
                let stop = try StopEvent()
                continuation.onTermination = { _ in stop.raise() }
                try BlockingThread.start("claviger-listen") {
                    NotificationListener(string, channel, stop, continuation).run()
                    continuation.finish()
                }
            } catch {
                continuation.finish()
            }
        }
    }
}

/// An eventfd that tells a thread to stop.
private final class StopEvent: Sendable {
    let descriptor: Int32

    init() throws(StorageError) {
        descriptor = claviger_event_create()
        guard descriptor >= 0 else { throw .unavailable("the system grants no file descriptor for notifications") }
    }

    deinit { close(descriptor) }

    func raise() { claviger_event_raise(descriptor) }

    /// Waits until `other` has input (true), or the time is over or the event was raised (false).
    func wait(for other: Int32, milliseconds: Int32) -> (isStopped: Bool, isReady: Bool) {
        var descriptors = [
            pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: other, events: Int16(POLLIN), revents: 0),
        ]
        guard poll(&descriptors, 2, milliseconds) > 0 else { return (false, false) }
        return (descriptors[0].revents != 0, descriptors[1].revents != 0)
    }
}

/// The listener's thread: connect, LISTEN, hand on what comes, and begin again when the connection is lost.
private struct NotificationListener {
    private let string: ConnectionString
    private let channel: String
    private let stop: StopEvent
    private let continuation: AsyncStream<DatabaseNotification>.Continuation

    init(
        _ string: ConnectionString, _ channel: String, _ stop: StopEvent,
        _ continuation: AsyncStream<DatabaseNotification>.Continuation
    ) {
        self.string = string
        self.channel = channel
        self.stop = stop
        self.continuation = continuation
    }

    func run() {
        var backoff = Backoff()
        var generator = SystemRandomNumberGenerator()
        var isStopped = false
        while !isStopped {
            if let connection = try? BlockingConnection(string, limits: nil), (try? listen(on: connection)) != nil {
                backoff.reset()
                continuation.yield(.listening)
                isStopped = follow(connection.handle)
            }
            if !isStopped {
                let pause = Int32(backoff.next(using: &generator) / 1_000_000)
                isStopped = stop.wait(for: -1, milliseconds: pause).isStopped
            }
        }
    }

    private func listen(on connection: BlockingConnection) throws(StorageError) {
        let quoted = channel.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"")
        try connection.run("LISTEN \"\(quoted)\"")
    }

    /// Returns true when told to stop, false when the connection was lost.
    private func follow(_ handle: ConnectionHandle) -> Bool {
        while true {
            let (isStopped, isReady) = stop.wait(for: PQsocket(handle.pointer), milliseconds: -1)
            if isStopped { return true }
            guard isReady else { continue }
            guard PQconsumeInput(handle.pointer) == 1, PQstatus(handle.pointer) == CONNECTION_OK else { return false }
            while let notification = PQnotifies(handle.pointer) {
                continuation.yield(.notified(payload: String(cString: notification.pointee.extra)))
                PQfreemem(notification)
            }
        }
    }
}
