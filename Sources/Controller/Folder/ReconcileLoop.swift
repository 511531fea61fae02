import Logging
import Metrics
import ServiceLifecycle

/// Reconciles at a fixed interval until the process ends, and keeps on after failures.
public struct ReconcileLoop: Service {
    private let reconciler: PolicyReconciler
    private let interval: Duration
    private let logger: Logger

    /// Makes the loop; the first pass comes at once.
    public init(reconciler: PolicyReconciler, interval: Duration, logger: Logger) {
        self.reconciler = reconciler
        self.interval = interval
        self.logger = logger
    }

    /// Runs until graceful shutdown or cancellation.
    public func run() async throws {
        let passes = AsyncTimerSequence(interval: interval)
        for await _ in passes.cancelOnGracefulShutdown() {
            await pass()
        }
    }

    private func pass() async {
        do throws(ControllerError) {
            let outcome = try await reconciler.reconcile()
            Counter(label: "claviger_controller_passes_total", dimensions: [("result", "ok")]).increment()
            guard outcome.changed else { return }
            logger.info(
                "policies changed",
                metadata: [
                    "applied": .array(outcome.applied.map { .string($0) }),
                    "pruned": .array(outcome.pruned.map { .string($0) }),
                ])
        } catch {
            Counter(label: "claviger_controller_passes_total", dimensions: [("result", "\(error.code)")]).increment()
            logger.error("reconciliation failed", metadata: ["code": "\(error.code)", "reason": "\(error.message)"])
        }
    }
}

/// Ticks at once and then after each interval, for as long as its task lives.
private struct AsyncTimerSequence: AsyncSequence, Sendable {
    let interval: Duration

    struct AsyncIterator: AsyncIteratorProtocol {
        let interval: Duration
        var started = false

        mutating func next() async -> Void? {
            if started {
                do { try await Task.sleep(for: interval) } catch { return nil }
            }
            started = true
            return ()
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(interval: interval) }
}
