import CLinux
import Glibc

/// How to start a program: no shell, no inherited descriptors, default signal handling, an environment that is spelled
/// out.
public struct ChildProcess: Sendable {
    /// The program's path; `PATH` is not searched.
    public var path: String
    /// Its arguments, without its own name.
    public var arguments: [String]
    /// `NAME=value`; by default a plain system `PATH`, the C locale and UTC.
    public var environment = ["PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", "TZ=UTC"]
    /// The working directory; nil for ours.
    public var directory: String?
    /// Who runs it; nil for ourselves. Only root can name another.
    public var user: SystemUser?
    /// Descriptor of standard input; -1 for /dev/null.
    public var input: Int32 = -1
    /// Descriptor of standard output; -1 for /dev/null.
    public var output: Int32 = -1
    /// Descriptor of standard error; nil for the same as standard output, -1 for /dev/null.
    public var errors: Int32?
    /// The rights that files of its making lack (umask).
    public var fileMask: UInt32 = 0o077
    /// Whether it leads a session and process group of its own: signals of a terminal do not reach it.
    public var hasOwnSession = false

    /// A program with its arguments; everything else has defaults.
    public init(path: String, arguments: [String]) {
        self.path = path
        self.arguments = arguments
    }

    /// Starts the program, which may outlive this process, and returns its process id; the caller has to wait for it.
    ///
    /// - Throws: with the system's reason.
    public func startUnsupervised() throws(ProcessError) -> Int32 { try start(parentDeathSignal: 0) }

    /// Starts the program.
    ///
    /// - Parameter parentDeathSignal: Sent to it by the kernel when the calling *thread* ends, so that thread must wait for
    ///   the program; 0 for none.
    func start(parentDeathSignal: Int32) throws(ProcessError) -> pid_t {
        var process = pid_t()
        let failure = withCStrings([path] + arguments) { arguments in
            withCStrings(environment) { environment in
                path.withCString { path in
                    withOptionalCString(directory) { directory in
                        var child = claviger_child(
                            path: path, arguments: arguments, environment: environment, directory: directory,
                            user: user?.user ?? 0, group: user?.group ?? 0, changes_user: user != nil, input: input,
                            output: output, errors: errors ?? output, file_mask: fileMask,
                            parent_death_signal: parentDeathSignal, new_session: hasOwnSession)
                        return claviger_spawn(&child, &process)
                    }
                }
            }
        }
        guard failure == 0 else {
            let place = directory.map { " in \($0)" } ?? ""
            let who = user.map { " as the user \($0.name), who must be able to pass all folders above" } ?? ""
            throw ProcessError("\(path) cannot be started\(place)\(who): \(String(cString: strerror(failure)))")
        }
        return process
    }

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
