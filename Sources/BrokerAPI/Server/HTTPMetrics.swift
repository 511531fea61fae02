import Broker
import CoreMetrics
import Synchronization
import Telemetry

/// Counts requests under `/kbs`, by the names that dashboards for this protocol know.
struct HTTPMetrics: Sendable {
    private final class InFlight: Sendable {
        let count = Atomic<Int>(0)
    }

    private let requests: Counter
    private let duration: CoreMetrics.Timer
    private let requestSize: Recorder
    private let responseSize: Recorder
    private let active: Gauge
    private let inFlight = InFlight()

    init(factory: any MetricsFactory) {
        requests = Counter(label: "kbs_http_requests_total", dimensions: [], factory: factory)
        duration = CoreMetrics.Timer(label: "kbs_http_request_duration_seconds", dimensions: [], factory: factory)
        requestSize = Recorder(label: "kbs_http_request_size_bytes", dimensions: [], aggregate: true, factory: factory)
        responseSize = Recorder(
            label: "kbs_http_response_size_bytes", dimensions: [], aggregate: true, factory: factory)
        active = Gauge(label: "kbs_http_active_connections", dimensions: [], factory: factory)
        Gauge(label: "kbs_build_info", dimensions: [("version", Release.version)], factory: factory).record(1)
    }

    func began(bodyBytes: Int) {
        requests.increment()
        requestSize.record(Int64(max(0, bodyBytes)))
        active.record(Int64(inFlight.count.add(1, ordering: .relaxed).newValue))
    }

    func ended(after elapsed: Duration, bodyBytes: Int) {
        duration.recordNanoseconds(Int64(elapsed.inSeconds * 1e9))
        responseSize.record(Int64(bodyBytes))
        active.record(Int64(inFlight.count.subtract(1, ordering: .relaxed).newValue))
    }
}

extension BrokerServer {
    /// Help texts and histogram buckets of the broker's metrics, for the registry that collects them.
    public static let metricDescriptions: [String: MetricsRegistry.Description] = [
        "kbs_build_info": .init("The version of the running broker."),
        "kbs_http_requests_total": .init("Requests of the KBS protocol."),
        "kbs_http_request_duration_seconds": .init(
            "Time to answer a request of the KBS protocol.", buckets: [0.0005, 0.001, 0.005, 0.01, 0.05, 0.5, 1]),
        "kbs_http_request_size_bytes": .init("Sizes of request bodies.", buckets: [32, 128, 512, 2_048, 8_192]),
        "kbs_http_response_size_bytes": .init("Sizes of response bodies.", buckets: [32, 128, 512, 2_048, 8_192]),
        "kbs_http_active_connections": .init("Requests of the KBS protocol that are being answered."),
        "kbs_auth_requests_total": .init("Challenges asked for."),
        "kbs_auth_successes_total": .init("Challenges issued."),
        "kbs_auth_errors_total": .init("Challenges refused."),
        "kbs_attestation_requests_total": .init("Attestations received."),
        "kbs_attestation_errors_total": .init("Attestations that ended without a verdict on their evidence."),
        "kbs_attestation_successes_total": .init("Attestations believed, by TEE."),
        "kbs_attestation_failures_total": .init("Attestations whose evidence was not believed, by TEE."),
        "claviger_measurements_first_seen_total": .init("Measurements that no evidence showed before, by TEE."),
        "claviger_reference_manifests_total": .init("Signed manifests imported, by signer and outcome."),
        "claviger_attestations_total": .init("Attestations believed, by protocol version and TEE."),
        "kbs_policy_evaluations_total": .init("Release decisions made."),
        "kbs_policy_approvals_total": .init("Releases that the policies allowed."),
        "kbs_policy_violations_total": .init("Releases that the policies denied."),
        "kbs_policy_errors_total": .init("Releases denied because a policy could not be evaluated."),
        "kbs_resource_reads_total": .init("Resources released."),
        "kbs_resource_writes_total": .init("Resource versions stored."),
        "kbs_resource_deletes_total": .init("Resources deleted."),
        "claviger_policy_audit_total": .init(
            "Decisions that policies of the mode Audit would have changed, by verdict."),
        "claviger_reference_value_expiry_seconds": .init(
            "Seconds until a reference value ends, negative when it has, by name and namespace."),
        "claviger_ledger_failures_total": .init("Releases refused because their decision could not be made durable."),
        "claviger_policy_generation": .init("The generation of policies that decides."),
        "claviger_policy_bundle_fingerprint": .init(
            "The first 48 bits of the digest of the policies that decide: equal on all replicas."),
        "claviger_policy_bundle_serial": .init("The serial of each signed policy bundle in force."),
        "claviger_policy_source_updates_total": .init(
            "Times that a source sent its policies, by outcome: changed, unchanged, fenced or failed."),
        "claviger_policy_source_refused": .init(
            "Documents of each source that were refused in the last list that this broker took."),
        "claviger_policy_bundle_stale": .init("1 while policies are stored that cannot be used."),
        "claviger_collateral_items": .init("Pieces of collateral that have successors, by kind."),
        "claviger_collateral_expiry_seconds": .init(
            "Seconds until the first piece of collateral of a kind expires, negative when it has."),
        "claviger_collateral_age_seconds": .init(
            "Seconds since the piece of collateral of a kind that was renewed longest ago was had."),
        "claviger_collateral_lookups_total": .init("Questions of verifiers for collateral, by where the answer was."),
        "claviger_collateral_fetches_total": .init("Pieces of collateral that an origin handed out."),
        "claviger_collateral_fetch_failures_total": .init("Questions that an origin did not answer, by reason."),
        "claviger_collateral_evictions_total": .init(
            "Pieces of collateral that were deleted to make room, by the kind that needed it."),
        "claviger_collateral_unauthentic_items": .init(
            "Pieces of collateral in the database that are not as a broker left them."),
        "claviger_collateral_refused_total": .init("Pieces of collateral that were not believed, by reason."),
        "claviger_database_up": .init(
            "1 while the database takes this replica's sign of life, every 5 seconds; else 0."),
        "claviger_tls_certificate_expiry_seconds": .init(
            "Seconds until the certificate that the broker serves expires, negative when it has."),
        "claviger_tcb_rollbacks_total": .init("Attestations with older firmware than the machine had before, by TEE."),
        "claviger_insecure_mode": .init("1 for each mode that weakens the broker."),
    ]
}
