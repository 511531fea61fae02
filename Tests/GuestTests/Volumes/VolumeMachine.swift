import Foundation

/// What this machine lets tests of volumes do.
enum VolumeMachine {
    /// Headers can lie in memory.
    static let hasMemory = access("/dev/shm", W_OK) == 0
    /// cryptsetup can be tried on plain files.
    static let hasCryptsetup = hasMemory && access("/usr/sbin/cryptsetup", X_OK) == 0
    /// Volumes can be opened for real. A node in /dev says nothing: cryptsetup makes it without a driver behind.
    static let hasDeviceMapper =
        hasCryptsetup && getuid() == 0 && access("/dev/loop-control", F_OK) == 0
        && (try? String(contentsOfFile: "/proc/misc", encoding: .utf8))?.contains("device-mapper") == true
}
