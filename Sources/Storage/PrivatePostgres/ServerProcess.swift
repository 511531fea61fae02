import CLinux
import Glibc
import Synchronization

/// A server program that ends with this process: it is started and awaited by a thread of its own, whose death the kernel
/// reports to the child.
final class ServerProcess: Sendable {
    private enum State {
        case starting
        case running(pid_t)
        case ended
        case failed(StorageError)
    }

    private let state = Mutex(State.starting)

    /// Starts the program; blocks until it runs.
    ///
    /// - Throws: `unavailable`.
    static func start(_ child: ChildProcess) throws(StorageError) -> ServerProcess {
        let server = ServerProcess()
        try BlockingThread.start("claviger-pg") {
            do throws(StorageError) {
                let process = try child.start()
                server.state.withLock { $0 = .running(process) }
                _ = claviger_await_end(process)
                server.state.withLock { state in
                    _ = claviger_wait(process)
                    state = .ended
                }
            } catch {
                server.state.withLock { $0 = .failed(error) }
            }
        }
        while true {
            switch server.state.withLock({ $0 }) {
            case .starting: usleep(1000)
            case .failed(let error): throw error
            case .running, .ended: return server
            }
        }
    }

    var isRunning: Bool { id != nil }

    var id: pid_t? {
        state.withLock { state in
            guard case .running(let process) = state else { return nil }
            return process
        }
    }

    /// Sends a signal; nothing if the process has ended. The id is given back under the same lock, so it is still its own.
    func signal(_ number: Int32) {
        state.withLock { state in
            guard case .running(let process) = state else { return }
            kill(process, number)
        }
    }

    /// Blocks until the process has ended, at most `seconds`; then kills it.
    func awaitEnd(seconds: Int) {
        for _ in 0..<(seconds * 200) where isRunning { usleep(5000) }
        guard isRunning else { return }
        signal(SIGKILL)
        for _ in 0..<400 where isRunning { usleep(5000) }
    }
}
