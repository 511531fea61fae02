import CoreMetrics
import Logging

/// Sets up the logs and metrics of a program.
public enum Telemetry {
    /// Installs JSON logs on standard error and the given metrics registry, for the whole process.
    ///
    /// Call it once, before the first logger or metric is made: `swift-log` and `swift-metrics` allow one bootstrap.
    public static func bootstrap(level: Logger.Level, metrics: MetricsRegistry) {
        LoggingSystem.bootstrap { label in JSONLogHandler(label: label, level: level) }
        MetricsSystem.bootstrap(metrics)
    }
}
