import Encodings
import Kubernetes
import Policy

/// Whether our kinds are defined in a cluster, and how their objects stand.
enum ObjectHealth {
    static func look(_ cluster: ClusterReader) async throws(KubernetesError) -> [HealthFinding] {
        var findings = [try await definitions(cluster)]
        for kind in ResourceKind.allCases {
            findings.append(finding(try await .read(kind, namespace: nil, from: cluster)))
        }
        return findings
    }

    private static func definitions(_ cluster: ClusterReader) async throws(KubernetesError) -> HealthFinding {
        let subject = "definitions"
        var wrong: [String] = []
        var versions: Set<String> = []
        for kind in ResourceKind.allCases {
            let resource = APIResource(kind)
            do throws(KubernetesError) {
                let definition = try await cluster.api.get(
                    .definitions, namespace: nil, name: "\(resource.plural).\(resource.group)")
                let served = servedVersions(definition)
                versions.formUnion(served)
                if !ObjectConditions(definition).holds("Established") {
                    wrong.append("\(resource.plural) (not established)")
                } else if !served.contains(resource.version) {
                    wrong.append("\(resource.plural) (does not serve \(resource.version))")
                }
            } catch {
                switch error.kind {
                case .notFound: wrong.append("\(resource.plural) (missing)")
                case .forbidden: return .unknown(subject, error.message)
                default: throw error
                }
            }
        }
        guard wrong.isEmpty else { return .problem(subject, "\(HealthFinding.list(wrong)): claviger crd prints them") }
        return .ok(subject, "\(ResourceKind.allCases.count) kinds, \(versions.sorted().joined(separator: ", "))")
    }

    private static func servedVersions(_ definition: KubernetesObject) -> [String] {
        (definition.spec?["versions"]?.arrayValue ?? []).compactMap { version in
            version["served"] == true ? version["name"]?.stringValue : nil
        }
    }

    private static func finding(_ listing: KindListing) -> HealthFinding {
        let subject = listing.kind.rawValue
        // What is not defined at all has been said already.
        if let problem = listing.problem { return .unknown(subject, problem) }
        let wanted = listing.kind.requiredConditions
        let wrong = listing.objects.compactMap { object in
            ObjectConditions(object).objection(wanted).map { "\(object.shortName) (\($0.reason))" }
        }
        let last = wanted.last ?? "Ready"
        guard wrong.isEmpty else {
            return .problem(
                subject, "\(wrong.count) of \(listing.objects.count) not \(last): \(HealthFinding.list(wrong))")
        }
        return .ok(subject, listing.objects.isEmpty ? "none" : "\(listing.objects.count), all \(last)")
    }
}
