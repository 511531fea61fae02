public import CoreMetrics

/// What the broker counts. No label ever holds a resource's path, a session, or anything else that a caller chooses.
public struct BrokerMetrics: Sendable {
    let factory: any MetricsFactory

    let challengeRequests: Counter
    let challengesIssued: Counter
    let challengeErrors: Counter
    let attestationRequests: Counter
    let attestationErrors: Counter
    let policyEvaluations: Counter
    let policyApprovals: Counter
    let policyViolations: Counter
    let policyErrors: Counter
    let resourceReads: Counter
    let resourceWrites: Counter
    let resourceDeletes: Counter
    let bundleGeneration: Gauge
    let bundleFingerprint: Gauge
    let bundleStale: Gauge
    let ledgerFailures: Counter
    let databaseUp: Gauge

    /// Counters that live in a metrics backend; by default in the one that the process installed.
    public init(factory: any MetricsFactory = MetricsSystem.factory) {
        self.factory = factory
        func counter(_ label: String) -> Counter { Counter(label: label, dimensions: [], factory: factory) }
        challengeRequests = counter("kbs_auth_requests_total")
        challengesIssued = counter("kbs_auth_successes_total")
        challengeErrors = counter("kbs_auth_errors_total")
        attestationRequests = counter("kbs_attestation_requests_total")
        attestationErrors = counter("kbs_attestation_errors_total")
        policyEvaluations = counter("kbs_policy_evaluations_total")
        policyApprovals = counter("kbs_policy_approvals_total")
        policyViolations = counter("kbs_policy_violations_total")
        policyErrors = counter("kbs_policy_errors_total")
        resourceReads = counter("kbs_resource_reads_total")
        resourceWrites = counter("kbs_resource_writes_total")
        resourceDeletes = counter("kbs_resource_deletes_total")
        ledgerFailures = counter("claviger_ledger_failures_total")
        bundleGeneration = Gauge(label: "claviger_policy_generation", dimensions: [], factory: factory)
        bundleFingerprint = Gauge(label: "claviger_policy_bundle_fingerprint", dimensions: [], factory: factory)
        bundleStale = Gauge(label: "claviger_policy_bundle_stale", dimensions: [], factory: factory)
        bundleStale.record(0)
        databaseUp = Gauge(label: "claviger_database_up", dimensions: [], factory: factory)
    }

    /// Records which policies decide. The fingerprint is the digest's first 48 bits: a number can be compared between replicas,
    /// a label with the digest would be a new series for every change.
    func policiesLoaded(_ policies: CompiledPolicies) {
        bundleGeneration.record(policies.generation)
        bundleFingerprint.record(Int64(policies.bundle.digest.prefix(12), radix: 16) ?? 0)
        bundleStale.record(0)
        for bundle in policies.bundles {
            Gauge(label: "claviger_policy_bundle_serial", dimensions: [("bundle", bundle.name)], factory: factory)
                .record(bundle.serial)
        }
    }

    /// A source sent its policies: what became of that.
    func sourceUpdated(_ outcome: String) {
        labelled("claviger_policy_source_updates_total", [("outcome", outcome)])
    }

    /// How many documents of a source are refused at present. Sources are few: the store takes no more than it has room for.
    func sourceStands(_ source: String, refused: Int) {
        Gauge(label: "claviger_policy_source_refused", dimensions: [("source", source)], factory: factory)
            .record(Int64(refused))
    }

    func attestationSucceeded(tee: String, version: String) {
        labelled("kbs_attestation_successes_total", [("tee_type", tee)])
        labelled("claviger_attestations_total", [("protocol", version), ("tee_type", tee)])
    }

    func attestationFailed(tee: String) {
        labelled("kbs_attestation_failures_total", [("tee_type", tee)])
    }

    /// A machine attested with older firmware than it was accepted with before.
    func rolledBack(tee: String) {
        labelled("claviger_tcb_rollbacks_total", [("tee_type", tee)])
    }

    func auditVerdict(_ verdict: String) {
        labelled("claviger_policy_audit_total", [("verdict", verdict)])
    }

    /// Seconds until a reference value ceases to count, negative when it has; `nil` when it is not there any more.
    func referenceValueExpiry(_ name: String, namespace: String, seconds: Double?) {
        Gauge(
            label: "claviger_reference_value_expiry_seconds", dimensions: [("name", name), ("namespace", namespace)],
            factory: factory
        ).record(seconds ?? .nan)
    }

    /// Evidence showed a measurement that no evidence showed before.
    func measurementFirstSeen(tee: String) {
        labelled("claviger_measurements_first_seen_total", [("tee_type", tee)])
    }

    /// A signed manifest of reference values was imported.
    func manifestImported(_ signer: String, outcome: String) {
        labelled("claviger_reference_manifests_total", [("outcome", outcome), ("signer", signer)])
    }

    private func labelled(_ label: String, _ dimensions: [(String, String)]) {
        Counter(label: label, dimensions: dimensions, factory: factory).increment()
    }

    /// Marks, with a gauge that is 1, that a mode is on that weakens the broker.
    public static func insecureMode(_ name: String, factory: any MetricsFactory) {
        Gauge(label: "claviger_insecure_mode", dimensions: [("mode", name)], factory: factory).record(1)
    }

    func insecureMode(_ name: String) {
        Self.insecureMode(name, factory: factory)
    }
}
