import Glibc

/// Who is told, and how, that a secret has a new content.
public enum ChangeNotice: Sendable, Hashable {
    /// A signal to a process.
    case signal(Int32, Process)
    /// A POST to a server of this machine or pod.
    case callback(String)
    /// The end of this program, with a status of its own, so that what supervises it starts it anew.
    case exit

    /// How a process is found.
    public enum Process: Sendable, Hashable {
        /// A file holds its id.
        case idFile(String)
        /// It has this name (`comm`), in a process namespace that is shared with this program.
        case name(String)
    }

    private static let signals: [String: Int32] = [
        "HUP": SIGHUP, "INT": SIGINT, "QUIT": SIGQUIT, "USR1": SIGUSR1, "USR2": SIGUSR2, "TERM": SIGTERM,
        "WINCH": SIGWINCH,
    ]

    /// The number of a signal by its name, with or without `SIG`; nil for those that are no message to a program.
    static func signal(named name: String) -> Int32? {
        let capitals = name.uppercased()
        return signals[capitals.hasPrefix("SIG") ? String(capitals.dropFirst(3)) : capitals]
    }

    /// Whether a URL is plain `http` to a loopback address: who asks for anything else wants secrets' news elsewhere.
    static func isLocal(_ url: String) -> Bool {
        guard url.hasPrefix("http://"), !url.contains("@") else { return false }
        var host = url.dropFirst("http://".count).prefix { !"/?#".contains($0) }
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            guard UInt16(host[host.index(after: colon)...]) != nil else { return false }
            host = host[..<colon]
        }
        if host == "localhost" || host == "[::1]" { return true }
        let numbers = host.split(separator: ".", omittingEmptySubsequences: false)
        return numbers.count == 4 && numbers[0] == "127" && numbers.allSatisfy { UInt8($0) != nil }
    }
}
