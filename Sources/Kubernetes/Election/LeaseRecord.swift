import Encodings

/// What a Lease says about who leads (coordination.k8s.io/v1).
struct LeaseRecord: Hashable {
    /// Who leads; empty when nobody does.
    var holder: String
    /// How long others wait after the last change.
    var duration: Duration
    /// How often the leadership has begun.
    var transitions: Int64

    /// Reads a Lease; members that are missing or make no sense count as those of nobody's Lease.
    init(_ lease: KubernetesObject) {
        let spec = lease.spec ?? [:]
        holder = spec["holderIdentity"]?.stringValue ?? ""
        duration = .seconds(min(max(spec["leaseDurationSeconds"]?.intValue ?? 0, 0), Int64(Int32.max)))
        transitions = max(spec["leaseTransitions"]?.intValue ?? 0, 0)
    }
}

extension KubernetesObject {
    /// Writes who leads into a Lease. Members that are not known here stay.
    mutating func hold(
        as holder: String, for duration: Duration, transitions: Int64, beganNow: Bool, timestamp: String
    ) {
        var spec = spec ?? [:]
        spec["holderIdentity"] = .string(holder)
        spec["leaseDurationSeconds"] = .int(max(1, duration.components.seconds))
        spec["leaseTransitions"] = .int(transitions)
        if beganNow { spec["acquireTime"] = .string(timestamp) }
        spec["renewTime"] = .string(timestamp)
        self.spec = spec
    }
}
