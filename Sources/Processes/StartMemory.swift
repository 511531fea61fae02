import CLinux

/// What a program needs in memory only while it starts.
public enum StartMemory {
    /// Gives back pages of code and constants, which the kernel maps again from their files when they are used, and free room
    /// of the allocator.
    ///
    /// Reading options, the descriptions of types, and the first TLS handshake touch most of a program. What serves
    /// afterwards is a small part; the rest would count as this process's until the machine is short of memory.
    public static func release() { claviger_release_start() }
}
