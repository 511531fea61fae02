import Glibc

/// Who may call which ttrpc methods, by the user of the calling process.
///
/// Root and the agent's own user may call everything, everybody else only what a permission names.
public struct AllowedPeers: Sendable {
    private let trustedUsers: Set<UInt32>
    private let permissions: [PeerPermission]

    /// Root, the agent's own user, and those with `permissions`.
    public init(_ permissions: [PeerPermission] = []) {
        self.init(permissions, trustedUsers: [0, geteuid()])
    }

    init(_ permissions: [PeerPermission], trustedUsers: Set<UInt32>) {
        self.permissions = permissions
        self.trustedUsers = trustedUsers
    }

    var areOthersNamed: Bool { !permissions.isEmpty }

    func admit(_ peer: PeerIdentity) -> Bool {
        isTrusted(peer) || permissions.contains { $0.userID == peer.userID }
    }

    func allow(_ peer: PeerIdentity, toCall method: String) -> Bool {
        isTrusted(peer) || permissions.contains { $0.userID == peer.userID && $0.covers(method) }
    }

    /// Whether the peer may call everything.
    func isTrusted(_ peer: PeerIdentity) -> Bool {
        trustedUsers.contains(peer.userID)
    }
}

/// A user and the ttrpc methods that its processes may call.
public struct PeerPermission: Sendable, Hashable, CustomStringConvertible {
    let userID: UInt32
    private let method: String

    /// Reads `USER=/service/method`, with a numeric user; a last part of `*` stands for everything that begins so.
    ///
    /// - Throws: `ListenAddressError`.
    public init(_ text: String) throws(ListenAddressError) {
        let parts = text.split(separator: "=", maxSplits: 1)
        guard parts.count == 2, let userID = UInt32(parts[0]), parts[1].hasPrefix("/"),
            !parts[1].dropLast().contains("*"), !parts[1].hasSuffix("*") || parts[1].hasSuffix("/*")
        else {
            throw ListenAddressError(
                "\(text) is no permission: USER=/service/method, USER=/service/* or USER=/*, with a numeric user")
        }
        self.userID = userID
        method = String(parts[1])
    }

    func covers(_ method: String) -> Bool {
        self.method.hasSuffix("*") ? method.hasPrefix(self.method.dropLast()) : method == self.method
    }

    /// The form that ``init(_:)`` reads.
    public var description: String { "\(userID)=\(method)" }
}
