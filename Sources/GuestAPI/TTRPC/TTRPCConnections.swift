import NIOCore
import Synchronization

/// The open connections of a server, of which there may be so many and no more.
final class TTRPCConnections: Sendable {
    private struct Entry {
        let channel: any Channel
        let userID: UInt32
        /// Since when nothing is under way; nil while something is.
        var idleSince: NIODeadline?
    }

    private let limits: TTRPCLimits
    private let entries = Mutex<[ObjectIdentifier: Entry]>([:])

    init(limits: TTRPCLimits) {
        self.limits = limits
    }

    /// Whether there is a place for a connection. When all are taken, one that has long been idle gives way.
    ///
    /// - Parameter isTrusted: whether `userID` may have as many as there are.
    func admit(_ channel: any Channel, userID: UInt32, isTrusted: Bool) -> Bool {
        let now = NIODeadline.now()
        let (isAdmitted, displaced) = entries.withLock { entries -> (Bool, (any Channel)?) in
            if !isTrusted, entries.values.count(where: { $0.userID == userID }) >= limits.connectionsPerNamedUser {
                return (false, nil)
            }
            var displaced: (any Channel)?
            if entries.count >= limits.connections {
                let longest = entries.min { ($0.value.idleSince ?? now) < ($1.value.idleSince ?? now) }
                guard let longest, let since = longest.value.idleSince, now - since >= limits.idleTime else {
                    return (false, nil)
                }
                displaced = longest.value.channel
                entries[longest.key] = nil
            }
            entries[ObjectIdentifier(channel)] = Entry(channel: channel, userID: userID, idleSince: now)
            return (true, displaced)
        }
        displaced?.close(promise: nil)
        return isAdmitted
    }

    func setIdle(_ isIdle: Bool, _ channel: any Channel) {
        entries.withLock { $0[ObjectIdentifier(channel)]?.idleSince = isIdle ? .now() : nil }
    }

    func remove(_ channel: any Channel) {
        entries.withLock { $0[ObjectIdentifier(channel)] = nil }
    }

    func closeAll() {
        let channels = entries.withLock { $0.values.map(\.channel) }
        for channel in channels { channel.close(promise: nil) }
    }
}
