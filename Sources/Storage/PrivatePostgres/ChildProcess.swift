import CLinux
import Glibc

/// A user to run a program as.
struct SystemUser: Sendable, Hashable {
    let name: String
    let user: UInt32
    let group: UInt32

    static func named(_ name: String) -> SystemUser? {
        var user = uid_t()
        var group = gid_t()
        guard claviger_find_user(name, &user, &group) == 0 else { return nil }
        return SystemUser(name: name, user: user, group: group)
    }
}

/// How to start a program: no shell, no inherited descriptors, and an environment that is spelled out.
struct ChildProcess: Sendable {
    var path: String
    var arguments: [String]
    var environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC"]
    var directory: String?
    var user: SystemUser?
    /// -1 for /dev/null.
    var input: Int32 = -1
    /// Standard output and standard error; -1 for /dev/null.
    var output: Int32 = -1
    /// Sent by the kernel when the starting thread ends.
    var parentDeathSignal: Int32 = 0
    var hasOwnSession = false

    /// Starts the program and returns its process id.
    ///
    /// - Throws: `unavailable` with the system's reason.
    func start() throws(StorageError) -> pid_t {
        var process = pid_t()
        let failure = withCStrings([path] + arguments) { arguments in
            withCStrings(environment) { environment in
                path.withCString { path in
                    withOptionalCString(directory) { directory in
                        var child = claviger_child(
                            path: path, arguments: arguments, environment: environment, directory: directory,
                            user: user?.user ?? 0, group: user?.group ?? 0, changes_user: user != nil, input: input,
                            output: output, parent_death_signal: parentDeathSignal, new_session: hasOwnSession)
                        return claviger_spawn(&child, &process)
                    }
                }
            }
        }
        guard failure == 0 else {
            let place = directory.map { " in \($0)" } ?? ""
            let who = user.map { " as the user \($0.name), who must be able to pass all folders above" } ?? ""
            throw .unavailable("\(path) cannot be started\(place)\(who): \(String(cString: strerror(failure)))")
        }
        return process
    }

    /// Starts the program, waits for it and returns its exit status (128 + signal if it was killed).
    func run() throws(StorageError) -> Int32 { claviger_wait(try start()) }

    private func withCStrings<Value>(
        _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Value
    ) -> Value {
        let copies = texts.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        return body(copies + [nil])
    }

    private func withOptionalCString<Value>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> Value) -> Value {
        guard let text else { return body(nil) }
        return text.withCString(body)
    }
}
