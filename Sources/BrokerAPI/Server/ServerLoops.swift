import FoundationEssentials
import NIOCore
import NIOPosix

/// The threads that serve connections: one for each processor that the process may use.
struct ServerLoops: Sendable {
    /// The process's own. They live as long as the process: a connection may still be closing when its server has ended.
    static let shared = ServerLoops(count: usableProcessors)

    let group: MultiThreadedEventLoopGroup
    private let count: Int

    private init(count: Int) {
        group = MultiThreadedEventLoopGroup(numberOfThreads: count)
        self.count = count
    }

    /// Runs `body`, whose connections are served by these threads.
    ///
    /// With one processor the requests are answered on the one thread itself: a second one could do nothing at the same
    /// time, and each request would change threads several times.
    func run(_ body: @Sendable () async throws -> Void) async throws {
        guard count == 1 else { return try await body() }
        try await withTaskExecutorPreference(EventLoopTaskExecutor(group.next()), operation: body)
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
