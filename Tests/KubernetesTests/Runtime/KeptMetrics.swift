import CoreMetrics
import Synchronization

/// Keeps what is measured, for a test to look at: sums of counters, the last value of gauges, the count of timers.
final class KeptMetrics: MetricsFactory, Sendable {
    private let values = Mutex<[String: Double]>([:])

    subscript(_ label: String) -> Double? { values.withLock { $0[label] } }

    private final class Instrument: CounterHandler, RecorderHandler, MeterHandler, TimerHandler, Sendable {
        private let label: String
        private let kept: KeptMetrics

        init(label: String, kept: KeptMetrics) {
            self.label = label
            self.kept = kept
        }

        func increment(by amount: Int64) { change { $0 + Double(amount) } }
        func increment(by amount: Double) { change { $0 + amount } }
        func decrement(by amount: Double) { change { $0 - amount } }
        func reset() { change { _ in 0 } }
        func set(_ value: Int64) { change { _ in Double(value) } }
        func set(_ value: Double) { change { _ in value } }
        func record(_ value: Int64) { change { _ in Double(value) } }
        func record(_ value: Double) { change { _ in value } }
        func recordNanoseconds(_ duration: Int64) { change { $0 + 1 } }

        private func change(_ body: (Double) -> Double) {
            kept.values.withLock { $0[label] = body($0[label] ?? 0) }
        }
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler { instrument(label) }
    func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler { instrument(label) }
    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        instrument(label)
    }
    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler { instrument(label) }
    func destroyCounter(_: any CounterHandler) {}
    func destroyMeter(_: any MeterHandler) {}
    func destroyRecorder(_: any RecorderHandler) {}
    func destroyTimer(_: any TimerHandler) {}

    private func instrument(_ label: String) -> Instrument { Instrument(label: label, kept: self) }
}
