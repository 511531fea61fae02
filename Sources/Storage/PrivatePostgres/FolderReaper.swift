import CLinux
import Glibc
import Synchronization

/// Throws folders away when this process ends, however it ends: a small shell waits on a pipe that only we hold open.
final class FolderReaper: Sendable {
    private static let script = """
        read -r word
        if [ "$word" != stopped ]; then
            kill -QUIT "$1" 2>/dev/null
            tries=0
            while kill -0 "$1" 2>/dev/null && [ "$tries" -lt 100 ]; do sleep 0.05; tries=$((tries + 1)); done
        fi
        shift
        rm -rf -- "$@"
        """

    private let pipe: Int32
    private let process: pid_t
    private let isDone = Mutex(false)

    /// Starts to wait; `server` is killed first when we vanish.
    ///
    /// - Throws: `unavailable`.
    init(_ server: pid_t, folders: [String]) throws(StorageError) {
        var ends: [Int32] = [-1, -1]
        guard claviger_pipe(&ends) == 0 else {
            throw .unavailable("the system grants no pipe for a private PostgreSQL")
        }
        defer { close(ends[0]) }
        do throws(StorageError) {
            process = try ChildProcess(
                path: "/bin/sh", arguments: ["-c", Self.script, "sh", String(server)] + folders, directory: "/",
                input: ends[0], hasOwnSession: true
            ).start()
        } catch {
            close(ends[1])
            throw error
        }
        pipe = ends[1]
    }

    deinit { close(pipe) }

    /// Throws the folders away now that the server has ended; blocks until they are gone.
    func reap() {
        let isFirst = isDone.withLock { isDone in
            defer { isDone = true }
            return !isDone
        }
        guard isFirst else { return }
        let word = Array("stopped\n".utf8)
        _ = write(pipe, word, word.count)
        var status: Int32 = 0
        waitpid(process, &status, 0)
    }
}
