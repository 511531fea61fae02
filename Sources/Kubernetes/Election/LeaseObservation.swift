import Encodings

/// Since when, by this machine's clock, a Lease has not changed.
///
/// The times in the Lease come from other clocks and are not looked at.
struct LeaseObservation {
    private var last: (spec: JSONObject?, uid: String?, at: ContinuousClock.Instant)?

    /// Looks at a Lease that was read by `now`; answers since when it has been as it is.
    mutating func look(at lease: KubernetesObject, now: ContinuousClock.Instant) -> ContinuousClock.Instant {
        // Labels and the like may change without a sign of life from the holder.
        if let last, last.spec == lease.spec, last.uid == lease.uid { return last.at }
        last = (lease.spec, lease.uid, now)
        return now
    }
}
