import CLinux
import Glibc
import Synchronization

/// A running program that ends with this process, however this process ends.
///
/// The kernel tells a child when the *thread* that started it is gone, not the process, and threads of the Swift pool come
/// and go. So a thread of its own starts each program and does nothing but wait for it: it ends when the program has ended,
/// or with this process.
public final class SupervisedProcess: Sendable {
    private struct State {
        enum Phase {
            case starting
            case running(pid_t)
            case ended(status: Int32)
            case failed(ProcessError)
        }

        var phase = Phase.starting
        var waiting: [CheckedContinuation<Int32, Never>] = []
    }

    private let state = Mutex(State())

    private init() {}

    /// Starts the program; blocks until it runs.
    ///
    /// - Parameter signal: What the program gets when this process ends.
    /// - Throws: with the system's reason.
    public static func start(
        _ child: ChildProcess, endingWith signal: Int32 = SIGKILL
    ) throws(ProcessError) -> SupervisedProcess {
        let supervised = SupervisedProcess()
        try DetachedThread.start("claviger-child") {
            do throws(ProcessError) {
                let process = try child.start(parentDeathSignal: signal)
                supervised.state.withLock { $0.phase = .running(process) }
                _ = claviger_await_end(process)
                supervised.reap(process)
            } catch {
                supervised.state.withLock { $0.phase = .failed(error) }
            }
        }
        while true {
            switch supervised.state.withLock({ $0.phase }) {
            case .starting: usleep(1000)
            case .failed(let error): throw error
            case .running, .ended: return supervised
            }
        }
    }

    /// The id is given back under the lock, so that no signal can reach another process of the same id.
    private func reap(_ process: pid_t) {
        let (waiting, status) = state.withLock { state in
            let status = claviger_wait(process)
            state.phase = .ended(status: status)
            defer { state.waiting = [] }
            return (state.waiting, status)
        }
        for continuation in waiting { continuation.resume(returning: status) }
    }

    /// Whether the program has not ended yet.
    public var isRunning: Bool { id != nil }

    /// The process id; nil once the program has ended.
    public var id: Int32? {
        state.withLock { state in
            guard case .running(let process) = state.phase else { return nil }
            return process
        }
    }

    /// Sends a signal; does nothing if the program has ended.
    public func signal(_ number: Int32) {
        state.withLock { state in
            guard case .running(let process) = state.phase else { return }
            kill(process, number)
        }
    }

    /// Waits for the end; the exit status, or 128 + signal if the program was killed.
    public func ended() async -> Int32 {
        await withCheckedContinuation { continuation in
            let status: Int32? = state.withLock { state in
                if case .ended(let status) = state.phase { return status }
                state.waiting.append(continuation)
                return nil
            }
            if let status { continuation.resume(returning: status) }
        }
    }

    /// Blocks until the program has ended, at most `seconds`; then kills it.
    public func awaitEnd(seconds: Int) {
        for _ in 0..<(seconds * 200) where isRunning { usleep(5000) }
        guard isRunning else { return }
        signal(SIGKILL)
        for _ in 0..<400 where isRunning { usleep(5000) }
    }
}
