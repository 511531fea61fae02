import Foundation
import Processes

/// A Linux kernel as a process (Debian's user-mode-linux), with device mapper, on this machine's own files: what machines
/// without device mapper run to test volumes all the same.
public enum UserModeLinux {
    private static let program = "/usr/bin/linux.uml"
    private static let modules = [
        "cbc", "ecb", "xts", "hmac", "authenc", "loop", "dm-mod", "dm-crypt", "dm-integrity", "ext4", "algif_skcipher",
    ]

    /// Whether it can be started here.
    public static let isAvailable =
        getuid() == 0 && access(program, X_OK) == 0
        && (access("/usr/bin/busybox", X_OK) == 0 || access("/bin/busybox", X_OK) == 0)

    /// Runs a shell command as root in a new kernel; its exit status, and what was written on the console.
    ///
    /// - Parameter folder: a folder of this machine for the script and its outcome.
    public static func run(_ command: String, in folder: URL) async throws -> (status: Int32?, console: String) {
        let script = folder.appending(path: "init.sh")
        let status = folder.appending(path: "status")
        try Data(initialisation(command, status.path).utf8).write(to: script)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script.path)
        var child = ChildProcess(
            path: program,
            arguments: [
                "mem=1024M", "rootfstype=hostfs", "rootflags=/", "rw", "init=\(script.path)", "con=null",
                "con0=null,fd:1",
                "quiet",
            ])
        // Its memory is a file there; without a home it ends in a panic.
        child.environment += ["TMPDIR=/dev/shm", "HOME=\(folder.path)"]
        let prepared = child
        let finished: Result<FinishedProcess, any Error> = await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(returning: Result { try prepared.runCapturing(limit: 1 << 20) })
            }
        }
        let console = String(decoding: try finished.get().output, as: UTF8.self)
        let text = try? String(contentsOf: status, encoding: .utf8)
        return (text.flatMap { Int32($0.trimmingCharacters(in: .whitespacesAndNewlines)) }, console)
    }

    private static func initialisation(_ command: String, _ status: String) -> String {
        """
        #!/bin/sh
        export PATH=/usr/sbin:/usr/bin:/sbin:/bin SWIFT_BACKTRACE=enable=no
        mount -t proc proc /proc
        mount -t sysfs sys /sys
        for folder in /run /mnt /dev/shm; do mkdir -p $folder; mount -t tmpfs tmpfs $folder; done
        ip link set lo up 2>/dev/null || busybox ifconfig lo up
        modules=/usr/lib/uml/modules/$(uname -r)
        for name in \(modules.joined(separator: " ")); do
            for file in $(grep "/$name.ko:" $modules/modules.dep | tr -d : | tr ' ' '\\n' | tac); do
                busybox insmod $modules/$file 2>/dev/null
            done
        done
        (
        \(command)
        )
        echo $? > \(status)
        sync
        echo o > /proc/sysrq-trigger
        sleep 60
        """
    }
}
