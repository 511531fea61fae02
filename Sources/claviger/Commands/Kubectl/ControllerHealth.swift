import Encodings
import FoundationEssentials
import Kubernetes
import Policy

/// Who leads among the replicas of the controller, as their Lease tells.
struct ControllerHealth {
    let lease: KubernetesObject
    private let spec: JSONObject

    init(_ lease: KubernetesObject) {
        self.lease = lease
        spec = lease.spec ?? [:]
    }

    /// - Parameter namespace: Where the Lease is; nil to look for it everywhere.
    static func look(
        _ cluster: ClusterReader, namespace: String?, name: String, broker: JSONValue?, now: Date
    ) async throws(KubernetesError) -> [HealthFinding] {
        let leases: [KubernetesObject]
        do throws(KubernetesError) {
            leases = try await cluster.objects(
                .leases, namespace: namespace, fieldSelector: "metadata.name=\(name)")
        } catch {
            guard error.kind == .forbidden else { throw error }
            return [.unknown("controller", "\(error.message); --controller-namespace needs a right there only")]
        }
        guard !leases.isEmpty else {
            return [.problem("controller", "there is no Lease \(name): no controller has ever led here")]
        }
        return leases.map { ControllerHealth($0).finding(broker: broker, now: now) }
    }

    func finding(broker: JSONValue?, now: Date) -> HealthFinding {
        let subject = "controller \(lease.shortName)"
        let holder = spec.cell("holderIdentity")
        guard !holder.isEmpty else { return .problem(subject, "nobody leads: all replicas have ended") }
        let renewed = Self.date(spec.cell("renewTime"))
        let fence = spec["leaseTransitions"]?.intValue ?? 0
        let details = "\(holder) leads, renewed \(AgeText.since(renewed, now: now)) ago, fence \(fence)"
        // Twice the time, since the clocks of two machines are compared.
        let duration = TimeInterval(min(max(spec["leaseDurationSeconds"]?.intValue ?? 0, 1), 86_400))
        guard let renewed, now.timeIntervalSince(renewed) < 2 * duration else {
            return .problem(subject, "\(details): it does not renew its Lease")
        }
        if let higher = Self.fences(broker).min(), higher > fence {
            return .problem(
                subject, "\(details): the broker knows the fence \(higher) and refuses lower ones (docs/controller.md)")
        }
        return .ok(subject, details)
    }

    /// A time of Kubernetes' `MicroTime`, without its fraction of a second.
    private static func date(_ text: String) -> Date? {
        TimestampText.date(text.contains(".") ? text.prefix { $0 != "." } + "Z" : text)
    }

    /// The fences of the sources that the broker knows. Which one is this cluster's nobody here can say.
    private static func fences(_ broker: JSONValue?) -> [Int64] {
        (broker?["sources"]?.arrayValue ?? []).compactMap { $0["fence"]?.intValue }
    }
}
