import Policy

/// The folders of a pod that the agent fills: each is a file system in memory of its own.
///
/// One volume with a part for each folder would do with fewer of them, but runtimes that keep pods in virtual machines give
/// parts of volumes from the host's file system, where a secret must never be.
struct AgentFolders: Sendable, Hashable {
    /// Folders of every system, which would be hidden from all containers.
    private static let reserved: Set<String> = [
        "", "/bin", "/boot", "/etc", "/etc/pki", "/etc/pki/tls", "/etc/pki/tls/certs", "/etc/ssl", "/etc/ssl/certs",
        "/home", "/lib", "/lib64", "/mnt", "/opt", "/root", "/run", "/run/lock", "/run/secrets", "/sbin", "/srv",
        "/tmp", "/usr", "/usr/bin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/local", "/usr/local/bin",
        "/usr/local/lib", "/usr/local/sbin", "/usr/sbin", "/usr/share", "/var", "/var/lib", "/var/log", "/var/run",
        "/var/run/secrets", "/var/tmp",
    ]
    /// Those of the kernel, the agent itself, and the token of the service account: `/var/run` is `/run` in most images.
    private static let reservedTrees = [
        "/proc", "/sys", "/dev", InjectionNames.configurationFolder, InjectionNames.program,
        "/var/run/secrets/kubernetes.io", "/run/secrets/kubernetes.io",
    ]

    /// In the order of their names, which numbers the volumes.
    let paths: [String]

    init(_ profile: AgentProfileSpec?) {
        let files = profile.map { $0.files.map(\.path) + [$0.socket].compactMap { $0 } } ?? []
        paths = Set(files.map(Self.folder)).sorted()
    }

    /// The folder of a file, without the slash at its end.
    static func folder(_ path: String) -> String {
        String(path[..<(path.lastIndex(of: "/") ?? path.startIndex)])
    }

    /// Whether a folder may be an agent's.
    static func isFree(_ folder: String) -> Bool {
        !reserved.contains(folder) && !reservedTrees.contains { folder == $0 || folder.hasPrefix($0 + "/") }
    }

    /// A path of a mount as the kernel would read it: without empty steps, `.`, and `..`.
    static func plain(_ path: String) -> String {
        var steps: [Substring] = []
        for step in path.split(separator: "/") where step != "." {
            if step == ".." { _ = steps.popLast() } else { steps.append(step) }
        }
        return steps.map { "/" + $0 }.joined()
    }
}
