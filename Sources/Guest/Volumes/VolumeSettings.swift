/// Where the system keeps what volumes need, and how strict this agent is with them.
public struct VolumeSettings: Sendable, Hashable {
    /// The folder for headers while a volume is opened; it must be in memory.
    public var headerFolder = "/run/confidential-containers/cdh/luks-headers"
    /// Whether a volume without this agent's seal is opened, if its header is as expected otherwise.
    public var allowUnsealed = false
    /// The kernel's device tree.
    var systemFolder = "/sys"
    /// The devices' folder.
    var deviceFolder = "/dev"
    /// Whether plain files pass for devices, for tests without device mapper.
    var acceptsFiles = false

    /// The usual places, and only sealed volumes.
    public init() {}
}
