public import CoreMetrics
import RATS

/// What is measured about collateral. Labels hold kinds of collateral and origins, never a chip or a platform.
public struct CollateralMetrics: Sendable {
    private let factory: any MetricsFactory

    /// Metrics that live in a backend; by default in the one that the process installed.
    public init(factory: any MetricsFactory = MetricsSystem.factory) {
        self.factory = factory
    }

    /// Where the answer to a verifier came from.
    enum Answer: String { case memory, database, origin, busy, none }

    func lookedUp(_ answer: Answer) {
        count("claviger_collateral_lookups_total", [("answer", answer.rawValue)])
    }

    func fetched(from origin: String) {
        count("claviger_collateral_fetches_total", [("origin", origin)])
    }

    func fetchFailed(from origin: String, code: String) {
        count("claviger_collateral_fetch_failures_total", [("code", code), ("origin", origin)])
    }

    /// An item was refused: by an inspector, because it is older than what was here before, or because somebody changed it.
    func refused(code: String) {
        count("claviger_collateral_refused_total", [("code", code)])
    }

    /// Items were deleted to make room for one of a kind.
    func evicted(kind: String, count: Int) {
        Counter(label: "claviger_collateral_evictions_total", dimensions: [("kind", kind)], factory: factory)
            .increment(by: count)
    }

    /// Rows of the database are not as a broker left them, and are not used.
    func unauthentic(items: Int) {
        Gauge(label: "claviger_collateral_unauthentic_items", dimensions: [], factory: factory).record(Double(items))
    }

    /// How the items of a kind stand: seconds until the first of them expires, negative when it has, and since the one that
    /// was renewed longest ago was had.
    func stand(kind: String, items: Int, secondsToExpiry: Double, age: Double) {
        gauge("claviger_collateral_items", kind, Double(items))
        gauge("claviger_collateral_expiry_seconds", kind, secondsToExpiry)
        gauge("claviger_collateral_age_seconds", kind, age)
    }

    private func gauge(_ label: String, _ kind: String, _ value: Double) {
        Gauge(label: label, dimensions: [("kind", kind)], factory: factory).record(value)
    }

    private func count(_ label: String, _ dimensions: [(String, String)]) {
        Counter(label: label, dimensions: dimensions, factory: factory).increment()
    }
}

extension CollateralName {
    /// What kind of collateral it is: its first two segments, such as `intel/tcb`.
    var kind: String { segments.prefix(2).joined(separator: "/") }
}
