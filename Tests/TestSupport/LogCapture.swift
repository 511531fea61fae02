import Logging
import Synchronization

/// Keeps everything that is logged, as text.
public final class LogCapture: Sendable {
    private let lines = Mutex<[String]>([])

    /// An empty log.
    public init() {}

    /// A logger at the lowest level that writes here.
    public func logger() -> Logger {
        var logger = Logger(label: "test") { _ in Handler(capture: self) }
        logger.logLevel = .trace
        return logger
    }

    /// All lines so far.
    public var text: String { lines.withLock { $0.joined(separator: "\n") } }

    private func add(_ line: String) { lines.withLock { $0.append(line) } }

    private struct Handler: LogHandler {
        let capture: LogCapture
        var metadata: Logger.Metadata = [:]
        var logLevel: Logger.Level = .trace

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { metadata[key] }
            set { metadata[key] = newValue }
        }

        func log(event: LogEvent) {
            let all = metadata.merging(event.metadata ?? [:]) { $1 }
            capture.add("\(event.level) \(event.message) \(all)")
        }
    }
}
