public import CoreMetrics
import FoundationEssentials
public import Telemetry

/// What the controller counts. No label holds a name of an object.
public struct ControllerMetrics: Sendable {
    let factory: any MetricsFactory

    /// Metrics that live in a backend; by default in the one that the process installed.
    public init(factory: any MetricsFactory = MetricsSystem.factory) {
        self.factory = factory
    }

    /// What each metric means, for the text that Prometheus reads.
    public static let descriptions: [String: MetricsRegistry.Description] = [
        "claviger_controller_passes_total": .init("Passes over the folder of policies, by result."),
        "claviger_controller_reconcile_total": .init("Reconciliations by controller and result."),
        "claviger_controller_reconcile_seconds": .init("How long reconciliations took, by controller."),
        "claviger_controller_objects": .init("Objects that were read, by kind."),
        "claviger_controller_behind_seconds": .init(
            "For how long a kind's objects could not be followed; 0 while they are."),
        "claviger_controller_policies_refused": .init("Policies that the broker did not accept as they are."),
        "claviger_controller_statuses_refused": .init("Policy objects whose status the API server does not take."),
        "claviger_controller_programmed_seconds": .init(
            "From seeing a policy to having it decide on all replicas.",
            buckets: [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]),
        "claviger_controller_programming": .init("Policies that do not decide on all replicas yet."),
        "claviger_controller_programming_longest_seconds": .init("How long the oldest of them has waited."),
        "claviger_controller_replicas": .init("Living replicas of the broker."),
        "claviger_controller_admissions_total": .init("Reviews that were answered, by webhook and result."),
        "claviger_controller_admission_seconds": .init(
            "How long answers to reviews took, by webhook.",
            buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5]),
        "claviger_controller_admission_certificate_expiry_timestamp_seconds": .init(
            "Until when the certificate of the admission webhooks is valid, in seconds since 1970."),
        "claviger_controller_admission_callable": .init(
            "1 while API servers trust the certificate that the admission webhooks are served with."),
        "claviger_leader": .init("1 while this process leads, by Lease."),
        "claviger_events_dropped_total": .init("Events of the cluster that were not sent, as there were too many."),
        "claviger_workqueue_depth": .init("Keys that wait to be worked on, by queue."),
        "claviger_workqueue_adds_total": .init("Keys that were added, by queue."),
        "claviger_workqueue_queue_duration_seconds": .init("How long keys waited, by queue."),
        "claviger_workqueue_work_duration_seconds": .init("How long the work on a key took, by queue."),
        "claviger_workqueue_retries_total": .init("Retries, by queue."),
        "claviger_watch_lists_total": .init("How often a collection was read whole, by resource."),
        "claviger_watch_failures_total": .init("Lists and watches that failed, by resource and kind of failure."),
        "claviger_watch_events_total": .init("Changes that watches told, by resource."),
        "claviger_watch_unreadable_objects_total": .init(
            "Objects that came and could not be read as a whole, since they are nested too deep, by resource."),
        "claviger_watch_up_to_date": .init(
            "1 while a collection was read whole and its watch tells of changes, 0 while it may be behind, by resource."
        ),
        "claviger_controller_insecure": .init(
            "1 while the broker is addressed without TLS, or injected agents may prove nothing."),
    ]

    func reconciled(_ controller: String, result: String, took: Duration) {
        Counter(
            label: "claviger_controller_reconcile_total", dimensions: [("controller", controller), ("result", result)],
            factory: factory
        ).increment()
        Timer(
            label: "claviger_controller_reconcile_seconds", dimensions: [("controller", controller)], factory: factory
        ).record(duration: took)
    }

    func objects(_ kind: String, _ count: Int) {
        gauge("claviger_controller_objects", [("kind", kind)]).record(count)
    }

    func behind(_ kind: String, by duration: Duration) {
        gauge("claviger_controller_behind_seconds", [("kind", kind)]).record(duration / .seconds(1))
    }

    func policies(_ answer: SourceAnswer, _ replicas: ReplicaStates) {
        gauge("claviger_controller_policies_refused").record(answer.verdicts.values.count { !$0.isAccepted })
        gauge("claviger_controller_replicas").record(replicas.replicas.count)
    }

    func statusesRefused(_ count: Int) { gauge("claviger_controller_statuses_refused").record(count) }

    func programmed(after lag: Duration) {
        Timer(label: "claviger_controller_programmed_seconds", dimensions: [], factory: factory).record(duration: lag)
    }

    func waiting(_ count: Int, longest: Duration) {
        gauge("claviger_controller_programming").record(count)
        gauge("claviger_controller_programming_longest_seconds").record(longest / .seconds(1))
    }

    func admitted(_ webhook: String, result: String, took: Duration) {
        Counter(
            label: "claviger_controller_admissions_total", dimensions: [("webhook", webhook), ("result", result)],
            factory: factory
        ).increment()
        Timer(
            label: "claviger_controller_admission_seconds", dimensions: [("webhook", webhook)], factory: factory
        ).record(duration: took)
    }

    func admissionCertificate(until end: Date) {
        gauge("claviger_controller_admission_certificate_expiry_timestamp_seconds").record(end.timeIntervalSince1970)
    }

    func admissionCallable(_ isCallable: Bool) {
        gauge("claviger_controller_admission_callable").record(isCallable ? 1 : 0)
    }

    /// Tells whether something runs that proves nothing or that anybody can read: the broker is addressed without TLS, or
    /// agents may show sample evidence.
    public func insecure(_ isInsecure: Bool) {
        gauge("claviger_controller_insecure").record(isInsecure ? 1 : 0)
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)] = []) -> Gauge {
        Gauge(label: label, dimensions: dimensions, factory: factory)
    }
}
