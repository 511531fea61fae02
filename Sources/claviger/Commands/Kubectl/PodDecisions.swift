import AdminClient
import Encodings
import FoundationEssentials
import Policy

/// How sure it is that a decision was made about a request of a pod. The ledger keeps no address and no name of a pod.
enum PodTie: Int, Comparable, CaseIterable {
    /// A container of the pod reports the decision's id.
    case reported
    /// The guest's evidence shows the pod's init-data.
    case initData
    /// The pod names the resource.
    case resource
    /// The resource belongs to the pod's namespace.
    case namespace
    /// An attestation was refused in the pod's time; whose, no record says.
    case time

    static func < (left: PodTie, right: PodTie) -> Bool { left.rawValue < right.rawValue }

    var name: String {
        switch self {
        case .reported: "reported"
        case .initData: "init-data"
        case .resource: "resource"
        case .namespace: "namespace"
        case .time: "time"
        }
    }

    var sentence: String {
        switch self {
        case .reported: "certain: a container of the pod reports this decision"
        case .initData: "strong: the guest's evidence shows the init-data of this pod"
        case .resource: "likely: the pod names this resource, and existed when it was asked for"
        case .namespace:
            "weak: the resource is of the pod's namespace, and the pod existed when it was asked for; any guest may have asked"
        case .time: "weak: an attestation was refused while the pod existed; refused ones name no workload"
        }
    }
}

/// A decision that may be about a pod.
struct PodDecision {
    let record: JSONObject
    let tie: PodTie

    var id: String { record.cell("id") }
    var isAllowed: Bool { record["allowed"]?.boolValue == true }
    /// Whether it is about evidence, which was not believed, and not about a resource.
    var isOfAttestation: Bool { record.cell("operation") == "attest" }
    /// What was asked for.
    var request: String { isOfAttestation ? "attest" : "\(record.cell("operation")) \(record.cell("path"))" }
}

/// What the ledger holds that may be about a pod.
struct PodDecisions {
    /// Made before this time by a broker whose clock is behind the API server's, a decision still counts.
    private static let clockTolerance: TimeInterval = 30
    private static let maximumOfNamespace = 1_000
    private static let maximumOfPath = 50

    /// With the strongest tie that any has, the latest of each request, the newest first.
    let shown: [PodDecision]
    /// How many more have a weaker tie or are older.
    let otherCount: Int
    /// Whether the ledger was too long to be read back to the pod's beginning.
    let isCut: Bool
    /// Whether the token may not see all that could be about the pod.
    let isPartial: Bool

    init(_ all: [PodDecision], isCut: Bool = false, isPartial: Bool = false) {
        let best = all.map(\.tie).min()
        var requests: Set<String> = []
        shown = all.filter { $0.tie == best }.sorted { $0.id > $1.id }.filter { requests.insert($0.request).inserted }
        otherCount = all.count - shown.count
        self.isCut = isCut
        self.isPartial = isPartial
    }

    /// Looks through the ledger from now back to when the pod was made.
    static func search(for workload: PodWorkload, in client: AdminClient) async throws(AdminClientError) -> PodDecisions
    {
        let start = workload.createdAt?.addingTimeInterval(-clockTolerance)
        let own = LedgerPages(client: client, filter: .init(tenant: workload.namespace, withClaims: true))
        var (records, isCut) = try await own.decisions(since: start, limit: maximumOfNamespace)
        var isPartial = false
        do throws(AdminClientError) {
            records += try await beyondNamespace(workload, since: start, in: client)
        } catch {
            // A token may be good for the decisions of one namespace.
            guard error.code == .denied else { throw error }
            isPartial = true
        }
        let unique = Dictionary(records.map { ($0.cell("id"), $0) }) { first, _ in first }
        let tied = unique.values.compactMap { record in
            Self.tie(of: record, to: workload).map { PodDecision(record: record, tie: $0) }
        }
        return PodDecisions(tied, isCut: isCut, isPartial: isPartial)
    }

    /// What the pod asks for in other namespaces, what it reports, and attestations that were refused, which ask for nothing.
    private static func beyondNamespace(
        _ workload: PodWorkload, since start: Date?, in client: AdminClient
    ) async throws(AdminClientError) -> [JSONObject] {
        var filters = workload.resources.filter { !$0.hasPrefix(workload.namespace + "/") }
            .map { AdminClient.DecisionFilter(path: $0, withClaims: true) }
        filters.append(.init(path: "", allowed: false, withClaims: true))
        var records: [JSONObject] = []
        for filter in filters {
            let pages = LedgerPages(client: client, filter: filter)
            records += try await pages.decisions(since: start, limit: maximumOfPath).records
        }
        for id in workload.reported {
            do throws(AdminClientError) {
                records += [try await client.decision(id).objectValue ?? [:]]
            } catch {
                guard error.code == .notFound else { throw error }
            }
        }
        return records
    }

    /// How a decision is tied to the pod; nil when it is not its.
    static func tie(of record: JSONObject, to workload: PodWorkload) -> PodTie? {
        if workload.reported.contains(record.cell("id")) { return .reported }
        if record.cell("operation") == "attest" { return .time }
        let parts = record["claims"]?["submodules"]?.objectValue ?? [:]
        let matches = parts.compactMap { part -> Bool? in
            guard let digest = part.value["initData"]?.stringValue, let tee = part.value["tee"]?.stringValue else {
                return nil
            }
            return workload.matches(initData: digest, tee: tee)
        }
        if matches.contains(true) { return .initData }
        // A guest that was started with another document is not this pod's.
        if matches.contains(false) { return nil }
        if workload.resources.contains(record.cell("path")) { return .resource }
        return record.cell("tenant") == workload.namespace ? .namespace : nil
    }
}
