import CLinux

/// A user to run a program as.
public struct SystemUser: Sendable, Hashable {
    /// The name, for messages.
    public let name: String
    /// The numeric user id.
    public let user: UInt32
    /// The numeric id of the primary group.
    public let group: UInt32

    /// A user by his ids.
    public init(name: String, user: UInt32, group: UInt32) {
        self.name = name
        self.user = user
        self.group = group
    }

    /// The user of a name; nil when the system has none.
    public static func named(_ name: String) -> SystemUser? {
        var user: UInt32 = 0
        var group: UInt32 = 0
        guard claviger_find_user(name, &user, &group) == 0 else { return nil }
        return SystemUser(name: name, user: user, group: group)
    }
}
