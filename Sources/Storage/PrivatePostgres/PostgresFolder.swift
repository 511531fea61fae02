import FoundationEssentials
import Glibc
import Processes

/// The folder of a private server: `cluster` (PostgreSQL's own data), `socket` and `server.log`.
struct PostgresFolder: Sendable {
    /// A socket's whole path has at most 107 bytes; PostgreSQL adds 15 to the folder.
    private static let maximumSocketDirectory = 88

    let path: String
    let socketDirectory: String
    private let user: SystemUser?

    private var cluster: String { path + "/cluster" }
    private var log: String { path + "/server.log" }

    /// Makes the folder and gives it to the user that the server runs as.
    ///
    /// - Throws: `unavailable`.
    init(path: String) throws(StorageError) {
        self.path = path
        user = try Self.serverUser(for: path)
        try Self.makeFolder(path, user)
        let own = path + "/socket"
        if own.utf8.count <= Self.maximumSocketDirectory {
            try Self.makeFolder(own, user)
            socketDirectory = own
        } else {
            socketDirectory = try Self.makeShortFolder(user)
        }
    }

    /// Sets up PostgreSQL's data beside the final place first, so that a killed start leaves no half of it.
    func initialise(_ programs: PostgresPrograms, role: String) throws(StorageError) {
        guard access(cluster + "/PG_VERSION", F_OK) != 0 else { return }
        let fresh = cluster + ".new"
        try? FileManager.default.removeItem(atPath: fresh)
        let output = try openLog()
        defer { close(output) }
        var child = ChildProcess(
            path: programs.initdb,
            arguments: [
                "--pgdata=\(fresh)", "--username=\(role)", "--auth-local=trust", "--auth-host=reject",
                "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions",
            ])
        child.directory = path
        child.user = user
        child.output = output
        let status = try starting { () throws(ProcessError) in try child.run() }
        guard status == 0 else {
            throw .unavailable("initdb failed in \(path) with status \(status): \(lastLogLines())")
        }
        guard rename(fresh, cluster) == 0 else { throw Self.failure("cannot be set up", path) }
    }

    /// How the server is started.
    func serverProcess(_ programs: PostgresPrograms, _ options: PrivatePostgres.Options) throws(StorageError)
        -> ChildProcess
    {
        var settings = [
            "listen_addresses": "",
            "unix_socket_directories": "\"\(socketDirectory)\"",
            "unix_socket_permissions": "0700",
            "max_connections": String(options.maximumConnections),
            // Statements that fail must not put their values into the log.
            "log_min_error_statement": "panic",
        ]
        settings.merge(options.settings) { $1 }
        var child = ChildProcess(
            path: programs.postgres,
            arguments: ["-D", cluster]
                + settings.sorted { $0.key < $1.key }.flatMap { ["-c", "\($0.key)=\($0.value)"] })
        child.directory = path
        child.user = user
        child.output = try openLog()
        child.hasOwnSession = true
        return child
    }

    /// The process that PostgreSQL's own lock file names.
    var lockHolder: pid_t? {
        guard let data = FileManager.default.contents(atPath: cluster + "/postmaster.pid") else { return nil }
        return String(decoding: data, as: UTF8.self).split(whereSeparator: \.isNewline).first.flatMap { pid_t($0) }
    }

    /// Waits a little for a server whose starter has just gone.
    ///
    /// - Throws: `unavailable` when another server stays.
    func awaitRelease() throws(StorageError) {
        for _ in 0..<250 {
            guard let holder = lockHolder, Self.isServer(holder) else { return }
            usleep(20_000)
        }
        throw .unavailable("another server (process \(lockHolder ?? 0)) works in \(path)")
    }

    /// After a crash the lock file may name a process that has nothing to do with PostgreSQL.
    private static func isServer(_ process: pid_t) -> Bool {
        guard let name = FileManager.default.contents(atPath: "/proc/\(process)/comm") else { return false }
        return String(decoding: name, as: UTF8.self).hasPrefix("postgres")
    }

    /// Removes a socket folder outside the data folder, which each start makes anew.
    func removeForeignSocketFolder() {
        guard !socketDirectory.hasPrefix(path + "/") else { return }
        try? FileManager.default.removeItem(atPath: socketDirectory)
    }

    /// The end of the server's log on one line, for an error message.
    func lastLogLines() -> String {
        guard let data = FileManager.default.contents(atPath: log) else { return "it wrote no log" }
        let lines = String(decoding: data.suffix(4096), as: UTF8.self).split(whereSeparator: \.isNewline).suffix(4)
        return lines.isEmpty ? "it wrote no log" : lines.joined(separator: " | ")
    }

    private func openLog() throws(StorageError) -> Int32 {
        let descriptor = open(log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0o600)
        guard descriptor >= 0 else { throw Self.failure("cannot be written", log) }
        return descriptor
    }

    /// Nil when the server can run as ourselves.
    private static func serverUser(for path: String) throws(StorageError) -> SystemUser? {
        guard geteuid() == 0 else { return nil }
        var status = stat()
        if stat(path + "/cluster/PG_VERSION", &status) == 0, status.st_uid != 0 {
            return SystemUser(name: "number \(status.st_uid)", user: status.st_uid, group: status.st_gid)
        }
        guard let user = SystemUser.named("postgres") ?? SystemUser.named("nobody") else {
            throw .unavailable("PostgreSQL does not run as root, and there is no user postgres or nobody")
        }
        return user
    }

    /// The folder itself is its user's alone; the server's user must be able to pass through those above it.
    private static func makeFolder(_ path: String, _ user: SystemUser?) throws(StorageError) {
        let parent = path.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
        if !parent.isEmpty {
            try? FileManager.default.createDirectory(atPath: parent, withIntermediateDirectories: true)
        }
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw failure("cannot be made", path) }
        // By descriptor, never through a link: the server's user owns the folder above and could put one there, and a
        // root process would give away what it points to.
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard folder >= 0 else { throw failure("is no folder of its own that can be used", path) }
        defer { close(folder) }
        try give(folder, path, to: user)
        guard fchmod(folder, 0o700) == 0 else { throw failure("cannot be closed to others", path) }
    }

    private static func makeShortFolder(_ user: SystemUser?) throws(StorageError) -> String {
        var template = Array("/tmp/claviger-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw failure("cannot be made", "/tmp") }
        let path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let folder = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
        guard folder >= 0 else { throw failure("cannot be opened", path) }
        defer { close(folder) }
        try give(folder, path, to: user)
        return path
    }

    private static func give(_ folder: Int32, _ path: String, to user: SystemUser?) throws(StorageError) {
        guard let user else { return }
        guard fchown(folder, user.user, user.group) == 0 else { throw failure("cannot be given to \(user.name)", path) }
    }

    private static func failure(_ what: String, _ path: String) -> StorageError {
        .unavailable("\(path) \(what): \(String(cString: strerror(errno)))")
    }
}
