import CoreMetrics
import Synchronization

/// One time series of a registry.
protocol MetricSeries: AnyObject, Sendable {
    /// The Prometheus type name: `counter`, `gauge` or `histogram`.
    var kind: String { get }

    func write(name: String, labels: [MetricsRegistry.Label], to text: inout String)
}

final class CounterSeries: MetricSeries, CounterHandler {
    private let value = Atomic<Int64>(0)
    let kind = "counter"

    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        value.wrappingAdd(amount, ordering: .relaxed)
    }

    func reset() {
        value.store(0, ordering: .relaxed)
    }

    func write(name: String, labels: [MetricsRegistry.Label], to text: inout String) {
        text += "\(name)\(rendered(labels)) \(value.load(ordering: .relaxed))\n"
    }
}

final class GaugeSeries: MetricSeries, MeterHandler, RecorderHandler {
    private let value = Mutex<Double>(0)
    let kind = "gauge"

    func set(_ new: Int64) {
        set(Double(new))
    }

    func set(_ new: Double) {
        value.withLock { $0 = new }
    }

    func increment(by amount: Double) {
        value.withLock { $0 += amount }
    }

    func decrement(by amount: Double) {
        value.withLock { $0 -= amount }
    }

    func record(_ new: Int64) {
        set(Double(new))
    }

    func record(_ new: Double) {
        set(new)
    }

    func write(name: String, labels: [MetricsRegistry.Label], to text: inout String) {
        text += "\(name)\(rendered(labels)) \(number(value.withLock { $0 }))\n"
    }
}

final class HistogramSeries: MetricSeries, RecorderHandler, TimerHandler {
    private struct State {
        var counts: [UInt64]
        var sum: Double = 0
        var total: UInt64 = 0
    }

    private let bounds: [Double]
    private let state: Mutex<State>
    let kind = "histogram"

    init(bounds: [Double]) {
        self.bounds = bounds
        self.state = Mutex(State(counts: Array(repeating: 0, count: bounds.count)))
    }

    func record(_ value: Int64) {
        record(Double(value))
    }

    func record(_ value: Double) {
        let bucket = bounds.firstIndex { value <= $0 }
        state.withLock {
            if let bucket { $0.counts[bucket] += 1 }
            $0.sum += value
            $0.total += 1
        }
    }

    func recordNanoseconds(_ duration: Int64) {
        record(Double(duration) / 1e9)
    }

    func write(name: String, labels: [MetricsRegistry.Label], to text: inout String) {
        let now = state.withLock { $0 }
        var running: UInt64 = 0
        for (bound, count) in zip(bounds, now.counts) {
            running += count
            let bucketLabels = labels + [MetricsRegistry.Label(name: "le", value: number(bound))]
            text += "\(name)_bucket\(rendered(bucketLabels)) \(running)\n"
        }
        let infinite = labels + [MetricsRegistry.Label(name: "le", value: "+Inf")]
        text += "\(name)_bucket\(rendered(infinite)) \(now.total)\n"
        text += "\(name)_sum\(rendered(labels)) \(number(now.sum))\n"
        text += "\(name)_count\(rendered(labels)) \(now.total)\n"
    }
}

private func rendered(_ labels: [MetricsRegistry.Label]) -> String {
    guard !labels.isEmpty else { return "" }
    return "{" + labels.map { "\($0.name)=\"\(escape($0.value))\"" }.joined(separator: ",") + "}"
}

/// Whole numbers without a fraction, as Prometheus' own clients print bucket bounds.
private func number(_ value: Double) -> String {
    if value == value.rounded(), abs(value) < 1e15 { return String(Int64(value)) }
    return String(value)
}
