import CLinux
import Glibc
import Processes
import Synchronization

/// Throws folders away when this process ends, however it ends: a small shell waits on a pipe that only we hold open.
final class FolderReaper: Sendable {
    /// The words on the pipe: `server ID` once there is one, `stopped` when it has ended. Whoever vanishes says nothing.
    private static let script = """
        server=
        while read -r word id; do
            case $word in
                server) server=$id ;;
                stopped) server= ;;
            esac
        done
        if [ -n "$server" ]; then
            kill -QUIT "$server" 2>/dev/null
            tries=0
            while kill -0 "$server" 2>/dev/null && [ "$tries" -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
        fi
        rm -rf -- "$@"
        """

    private let pipe: Mutex<Int32?>
    private let process: pid_t

    /// Starts to wait; the folders go when `reap` is called or we vanish.
    ///
    /// - Throws: `unavailable`.
    init(_ folders: [String]) throws(StorageError) {
        var ends: [Int32] = [-1, -1]
        guard claviger_pipe(&ends) == 0 else {
            throw .unavailable("the system grants no pipe for a private PostgreSQL")
        }
        defer { close(ends[0]) }
        var shell = ChildProcess(path: "/bin/sh", arguments: ["-c", Self.script, "sh"] + folders)
        shell.directory = "/"
        shell.input = ends[0]
        shell.hasOwnSession = true
        do throws(StorageError) {
            process = try starting { [shell] () throws(ProcessError) in try shell.startUnsupervised() }
        } catch {
            close(ends[1])
            throw error
        }
        pipe = Mutex(ends[1])
    }

    // The server may still be ending: the shell is told nothing and waits for that.
    deinit {
        if let open = pipe.withLock({ $0 }) { close(open) }
    }

    /// The server of the folders, which is ended first when we vanish.
    func watch(_ server: Int32) { say("server \(server)\n") }

    /// Throws the folders away now that the server has ended; blocks until they are gone.
    func reap() {
        say("stopped\n")
        let open = pipe.withLock { pipe in
            defer { pipe = nil }
            return pipe
        }
        guard let open else { return }
        close(open)
        _ = claviger_wait(process)
    }

    private func say(_ line: String) {
        let bytes = Array(line.utf8)
        pipe.withLock { pipe in
            guard let pipe else { return }
            _ = write(pipe, bytes, bytes.count)
        }
    }
}
