import Foundation
import Logging
import Metrics
import Synchronization
import Testing

@testable import Telemetry

@Suite struct TelemetryTests {
    private final class Lines: Sendable {
        let all = Mutex<[String]>([])
    }

    private func logged(level: Logger.Level = .info, _ body: (Logger) -> Void) -> [String] {
        let lines = Lines()
        let sink = LogSink { line in lines.all.withLock { $0.append(line) } }
        body(Logger(label: "test") { JSONLogHandler(label: $0, level: level, sink: sink) })
        return lines.all.withLock { $0 }
    }

    @Test("A53: line ends, escapes and JSON in a logged value stay inside one entry")
    func logInjection() throws {
        let hostile = "x\r\n{\"level\":\"error\"}\u{1B}[2J\u{2028}\u{85}\"\\"
        let lines = logged { $0.info("\(hostile)", metadata: ["path": "\(hostile)"]) }
        #expect(lines.count == 1)
        let line = try #require(lines.first)
        #expect(line.filter { $0.isNewline }.count == 1 && line.last == "\n")
        #expect(!line.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" || (0x7F...0x9F).contains($0.value) })
        let entry = try #require(JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
        #expect(entry["message"] as? String == hostile)
        #expect(entry["path"] as? String == hostile)
        #expect(entry["level"] as? String == "info")
    }

    @Test("A52: values under a secret's name are redacted, also inside dictionaries")
    func redaction() throws {
        let lines = logged {
            $0.info("m", metadata: ["Authorization": "canary-1", "request": ["cookie": "canary-2", "path": "/a"]])
        }
        let line = try #require(lines.first)
        #expect(!line.contains("canary"))
        #expect(line.contains("\"path\":\"/a\""))
    }

    @Test("entries below the level are not written")
    func level() {
        #expect(logged(level: .warning) { $0.info("quiet") }.isEmpty)
    }

    @Test("KBS 12.5.28: counters, gauges and histograms appear with exact names and values")
    func exposition() {
        let registry = MetricsRegistry(descriptions: [
            "kbs_http_requests_total": .init("Requests."),
            "kbs_http_request_duration_seconds": .init("Seconds.", buckets: [0.5, 1]),
        ])
        let requests = Counter(label: "kbs_http_requests_total", dimensions: [], factory: registry)
        requests.increment(by: 3)
        let reads = Counter(label: "kbs_reads_total", dimensions: [("tee", "a\"b\\\n")], factory: registry)
        reads.increment(by: 2)
        let duration = Metrics.Timer(label: "kbs_http_request_duration_seconds", dimensions: [], factory: registry)
        duration.recordNanoseconds(250_000_000)
        duration.recordNanoseconds(2_000_000_000)
        let active = Meter(label: "kbs_http_active_connections", dimensions: [], factory: registry)
        active.set(7)
        let text = registry.prometheusText()
        #expect(
            text == """
                # TYPE kbs_http_active_connections gauge
                kbs_http_active_connections 7
                # HELP kbs_http_request_duration_seconds Seconds.
                # TYPE kbs_http_request_duration_seconds histogram
                kbs_http_request_duration_seconds_bucket{le="0.5"} 1
                kbs_http_request_duration_seconds_bucket{le="1"} 1
                kbs_http_request_duration_seconds_bucket{le="+Inf"} 2
                kbs_http_request_duration_seconds_sum 2.25
                kbs_http_request_duration_seconds_count 2
                # HELP kbs_http_requests_total Requests.
                # TYPE kbs_http_requests_total counter
                kbs_http_requests_total 3
                # TYPE kbs_reads_total counter
                kbs_reads_total{tee="a\\"b\\\\\\n"} 2

                """)
    }

    @Test("label values beyond the limit share one series")
    func boundedSeries() {
        let registry = MetricsRegistry(seriesLimit: 10)
        for value in 0..<1_000 {
            Counter(label: "c", dimensions: [("v", "\(value)")], factory: registry).increment()
        }
        let rows = registry.prometheusText().split(separator: "\n").filter { $0.hasPrefix("c{") }
        #expect(rows.count == 11)
        #expect(rows.contains("c{v=\"other\"} 990"))
    }
}
