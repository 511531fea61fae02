import AdminClient
import Encodings
import FoundationEssentials
import Kubernetes
import Policy

/// A policy object of the cluster beside what the broker has under its name.
struct ComparedPolicy {
    /// What the broker has of an object.
    enum Standing: String {
        /// This very version.
        case same
        /// Another version.
        case other
        /// Nothing of this name.
        case absent
        /// Something of this name; whether it is this version cannot be told, since the object makes no sense.
        case unclear
    }

    let kind: ResourceKind
    let object: KubernetesObject
    let standing: Standing
    /// Why it does not decide as it stands here; nil when it does.
    let objection: (reason: String, message: String)?

    init(_ kind: ResourceKind, _ object: KubernetesObject, standing: Standing) {
        self.kind = kind
        self.object = object
        self.standing = standing
        objection = ObjectConditions(object).objection(kind.requiredConditions)
    }

    /// `KIND/NAMESPACE/NAME`, `-` for no namespace, as the broker names policies.
    var identifier: String { Self.identifier(kind, object) }

    static func identifier(_ kind: ResourceKind, _ object: KubernetesObject) -> String {
        "\(kind.rawValue)/\(object.namespace ?? "-")/\(object.name)"
    }

    func json() -> JSONObject {
        let conditions = ObjectConditions(object)
        var json: JSONObject = [
            "kind": .string(kind.rawValue), "namespace": object.namespace.map { .string($0) } ?? .null,
            "name": .string(object.name), "accepted": .string(conditions.status("Accepted")),
            "compiled": .string(conditions.status("Compiled")), "programmed": .string(conditions.status("Programmed")),
            "createdAt": object.metadata["creationTimestamp"] ?? .null, "broker": .string(standing.rawValue),
        ]
        json["reason"] = objection.map { .string($0.reason) }
        json["message"] = objection.map { .string($0.message) }
        return json
    }
}

/// The policies of a cluster beside those that a broker decides by.
struct PolicyComparison {
    /// The objects that were read.
    let policies: [ComparedPolicy]
    /// What the broker has and the cluster has not.
    let elsewhere: [PolicyRecord]
    /// Those of them that should be objects here: others of their source are.
    let orphans: [PolicyRecord]
    /// Kinds that could not be read, a sentence each.
    let unreadable: [String]

    /// - Parameters:
    ///   - namespace: The one whose objects were listed; nil for all of them.
    ///   - bundles: The signed bundles that the broker has, as its status tells them.
    init(_ listings: [KindListing], namespace: String?, records: [PolicyRecord], bundles: [JSONObject]) {
        let byName = Dictionary(records.map { ($0.identifier, $0) }) { first, _ in first }
        policies = listings.flatMap { listing in
            listing.objects.map { object in
                let standing =
                    listing.kind == .policyBundle
                    ? Self.standing(ofBundle: object, among: bundles)
                    : Self.standing(of: object, beside: byName[ComparedPolicy.identifier(listing.kind, object)])
                return ComparedPolicy(listing.kind, object, standing: standing)
            }
        }
        unreadable = listings.compactMap(\.problem)
        let here = Set(policies.map(\.identifier))
        let readable = Set(listings.filter { $0.problem == nil }.map(\.kind.rawValue))
        elsewhere = records.filter { record in
            let isInView = namespace == nil || record.namespace == nil || record.namespace == namespace
            return isInView && readable.contains(record.kind) && !here.contains(record.identifier)
        }
        let sources = Set(here.compactMap { byName[$0] }.filter(\.isOfSource).map(\.origin))
        orphans = elsewhere.filter { sources.contains($0.origin) }
    }

    /// What is not as it should be, a sentence each.
    func problems(status: JSONValue) -> [String] {
        var problems = unreadable
        for policy in policies {
            if let objection = policy.objection {
                problems.append("\(policy.identifier): \(objection.reason): \(objection.message)")
            }
            switch policy.standing {
            case .same, .unclear: break
            case .other: problems.append("\(policy.identifier): the broker decides by another version of it")
            case .absent: problems.append("\(policy.identifier): the broker does not have it")
            }
        }
        problems += orphans.map {
            "\($0.identifier): the broker has it from \($0.origin), and it is no object any more"
        }
        if PolicyStatusCommand.isBehind(status) {
            problems.append("not all replicas of the broker decide by the policies that are stored")
        }
        return problems
    }

    private static func standing(of object: KubernetesObject, beside record: PolicyRecord?) -> ComparedPolicy.Standing {
        guard let record else { return .absent }
        guard let digest = digest(of: object) else { return .unclear }
        return digest == record.digest ? .same : .other
    }

    private static func standing(
        ofBundle object: KubernetesObject, among bundles: [JSONObject]
    ) -> ComparedPolicy.Standing {
        let name = object.status?["name"]
        guard let bundle = bundles.first(where: { $0["name"] == name }), name != nil else { return .absent }
        return bundle["serial"] == object.status?["serial"] ? .same : .other
    }

    /// The digest that the broker gives to what the object says; nil when it cannot be read as a policy.
    private static func digest(of object: KubernetesObject) -> String? {
        var metadata: JSONObject = ["name": .string(object.name)]
        metadata["namespace"] = object.namespace.map { .string($0) }
        var document: JSONObject = [
            "apiVersion": .string(object.apiVersion ?? ""), "kind": .string(object.kind ?? ""),
            "metadata": .object(metadata),
        ]
        document["spec"] = object.spec.map { .object($0) }
        return (try? PolicyParser.parse(document.serializedString(), source: object.name))?.first?.digest
    }
}
