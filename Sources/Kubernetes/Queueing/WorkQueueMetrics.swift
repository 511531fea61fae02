import CoreMetrics

/// What a work queue tells about itself, under the queue's name.
struct WorkQueueMetrics: Sendable {
    private let depth: Gauge
    private let adds: Counter
    private let retries: Counter
    private let latency: CoreMetrics.Timer
    private let work: CoreMetrics.Timer

    init(queue: String, factory: any MetricsFactory) {
        let name = [("name", queue)]
        depth = Gauge(label: "claviger_workqueue_depth", dimensions: name, factory: factory)
        adds = Counter(label: "claviger_workqueue_adds_total", dimensions: name, factory: factory)
        retries = Counter(label: "claviger_workqueue_retries_total", dimensions: name, factory: factory)
        latency = CoreMetrics.Timer(
            label: "claviger_workqueue_queue_duration_seconds", dimensions: name, factory: factory)
        work = CoreMetrics.Timer(
            label: "claviger_workqueue_work_duration_seconds", dimensions: name, factory: factory)
    }

    func added(_ count: Int, depth: Int) {
        guard count > 0 else { return }
        adds.increment(by: count)
        self.depth.record(depth)
    }

    func started(after waiting: Duration, depth: Int) {
        latency.recordNanoseconds(waiting.nanoseconds)
        self.depth.record(depth)
    }

    func finished(after duration: Duration) { work.recordNanoseconds(duration.nanoseconds) }

    func retried() { retries.increment() }
}

extension Duration {
    /// Nanoseconds, at the ends of `Int64` where it does not hold them.
    fileprivate var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        guard !overflow else { return seconds < 0 ? .min : .max }
        let (sum, carry) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
        return carry ? (seconds < 0 ? .min : .max) : sum
    }
}
