import FoundationEssentials
import NIOCore
import NIOPosix

/// The threads that serve connections: one for each processor that the process may use.
struct ServerLoops: Sendable {
    let group: MultiThreadedEventLoopGroup
    private let count: Int

    init(count: Int = usableProcessors) {
        group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        self.count = count
    }

    /// Runs `body` and then ends the threads.
    ///
    /// With one processor the requests are answered on the one thread itself: a second one could do nothing at the same
    /// time, and each request would change threads several times.
    func run(_ body: @Sendable () async throws -> Void) async throws {
        let outcome: Result<Void, any Error>
        do {
            if count == 1 {
                try await withTaskExecutorPreference(EventLoopTaskExecutor(group.next()), operation: body)
            } else {
                try await body()
            }
            outcome = .success(())
        } catch {
            outcome = .failure(error)
        }
        try? await group.shutdownGracefully()
        try outcome.get()
    }

    /// What the control group grants and the affinity mask allows.
    private static var usableProcessors: Int {
        let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
        let mask = status.split(separator: "\n").first { $0.hasPrefix("Cpus_allowed:") }?.dropFirst(
            "Cpus_allowed:".count)
        let allowed = mask?.reduce(0) { $0 + ($1.hexDigitValue?.nonzeroBitCount ?? 0) } ?? 0
        return allowed > 0 ? min(allowed, System.coreCount) : System.coreCount
    }
}

/// Runs tasks on an event loop.
private final class EventLoopTaskExecutor: TaskExecutor {
    private let loop: any EventLoop

    init(_ loop: any EventLoop) {
        self.loop = loop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        loop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}
