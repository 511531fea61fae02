import CoreMetrics
import Synchronization

/// Collects the process's metrics and writes them in the Prometheus text exposition format (version 0.0.4).
///
/// It is the backend behind `swift-metrics`. The number of series is bounded: beyond ``seriesLimit`` new label values
/// of a metric fall together into one series whose label values are `other`, so that no caller can grow the memory.
public final class MetricsRegistry: MetricsFactory, Sendable {
    /// Text and histogram bounds of one metric name.
    public struct Description: Sendable {
        /// The sentence of the `# HELP` line.
        public let help: String
        /// Upper bounds of the histogram's buckets, rising, without infinity; in seconds for timers.
        public let buckets: [Double]

        /// Makes a description; `buckets` counts for recorders and timers only.
        public init(_ help: String, buckets: [Double] = MetricsRegistry.defaultBuckets) {
            self.help = help
            self.buckets = buckets
        }
    }

    /// Bounds for latencies in seconds from half a millisecond to ten seconds.
    public static let defaultBuckets: [Double] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5, 10]

    private struct Key: Hashable {
        let name: String
        let labels: [Label]
    }

    struct Label: Hashable, Comparable {
        let name: String
        let value: String

        static func < (left: Label, right: Label) -> Bool {
            (left.name, left.value) < (right.name, right.value)
        }
    }

    private let series = Mutex<[Key: any MetricSeries]>([:])
    private let descriptions: [String: Description]
    private let seriesLimit: Int

    /// Makes an empty registry.
    ///
    /// - Parameters:
    ///   - descriptions: help and buckets by metric name.
    ///   - seriesLimit: the most series that are kept apart.
    public init(descriptions: [String: Description] = [:], seriesLimit: Int = 4_096) {
        self.descriptions = descriptions
        self.seriesLimit = seriesLimit
    }

    /// The counter of that name and those labels, made at first use.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        find(label, dimensions) { CounterSeries() } ?? CounterSeries()
    }

    /// The gauge of that name and those labels, made at first use.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        find(label, dimensions) { GaugeSeries() } ?? GaugeSeries()
    }

    /// The histogram (or, without aggregation, gauge) of that name and those labels, made at first use.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate {
            let bounds = descriptions[label]?.buckets ?? Self.defaultBuckets
            return find(label, dimensions) { HistogramSeries(bounds: bounds) } ?? HistogramSeries(bounds: bounds)
        }
        return find(label, dimensions) { GaugeSeries() } ?? GaugeSeries()
    }

    /// The histogram, in seconds, of that name and those labels, made at first use.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let bounds = descriptions[label]?.buckets ?? Self.defaultBuckets
        return find(label, dimensions) { HistogramSeries(bounds: bounds) } ?? HistogramSeries(bounds: bounds)
    }

    /// Does nothing: Prometheus expects series that never vanish while the process lives.
    public func destroyCounter(_ handler: any CounterHandler) {}
    /// Does nothing: Prometheus expects series that never vanish while the process lives.
    public func destroyMeter(_ handler: any MeterHandler) {}
    /// Does nothing: Prometheus expects series that never vanish while the process lives.
    public func destroyRecorder(_ handler: any RecorderHandler) {}
    /// Does nothing: Prometheus expects series that never vanish while the process lives.
    public func destroyTimer(_ handler: any TimerHandler) {}

    /// The series of that name and those labels; nil when the name is taken by a metric of another kind.
    private func find<Series: MetricSeries>(
        _ name: String, _ dimensions: [(String, String)], _ make: () -> Series
    ) -> Series? {
        var key = Key(name: name, labels: dimensions.map { Label(name: $0.0, value: $0.1) }.sorted())
        return series.withLock { known in
            if let found = known[key] { return found as? Series }
            if known.count >= seriesLimit {
                key = Key(name: name, labels: key.labels.map { Label(name: $0.name, value: "other") })
                if let found = known[key] { return found as? Series }
            }
            let created = make()
            known[key] = created
            return created
        }
    }

    /// The current values in the Prometheus text exposition format 0.0.4, sorted by name and labels.
    public func prometheusText() -> String {
        let snapshot = series.withLock { $0 }
        var byName: [String: [(labels: [Label], series: any MetricSeries)]] = [:]
        for (key, value) in snapshot { byName[key.name, default: []].append((key.labels, value)) }
        var text = ""
        for (name, rows) in byName.sorted(by: { $0.key < $1.key }) {
            guard let kind = rows.first?.series.kind else { continue }
            if let help = descriptions[name]?.help { text += "# HELP \(name) \(escape(help))\n" }
            text += "# TYPE \(name) \(kind)\n"
            for row in rows.sorted(by: { $0.labels.lexicographicallyPrecedes($1.labels) }) {
                row.series.write(name: name, labels: row.labels, to: &text)
            }
        }
        return text
    }
}

/// Escapes a label value or help text (`\`, `"` and line feed).
func escape(_ text: String) -> String {
    var escaped = ""
    for character in text {
        switch character {
        case "\\": escaped += "\\\\"
        case "\"": escaped += "\\\""
        case "\n", "\r", "\r\n": escaped += "\\n"
        default: escaped.append(character)
        }
    }
    return escaped
}
