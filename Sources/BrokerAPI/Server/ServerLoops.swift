import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// The threads that serve connections: one for each processor that the process may use.
struct ServerLoops: Sendable {
    let group: MultiThreadedEventLoopGroup
    private let count: Int

    init(count: Int = Self.usableProcessors) {
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
        var mask = cpu_set_t()
        guard sched_getaffinity(0, MemoryLayout<cpu_set_t>.size, &mask) == 0 else { return System.coreCount }
        let allowed = withUnsafeBytes(of: mask) { $0.reduce(0) { $0 + $1.nonzeroBitCount } }
        return max(1, min(allowed, System.coreCount))
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
