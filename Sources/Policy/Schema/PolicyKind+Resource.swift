/// What `kubectl get` shows of an object in one column.
struct PrinterColumn: Sendable, Hashable {
    let name: String
    /// `string` or `date`.
    let type: String
    let path: String
    /// 0 is always shown; 1 only with `-o wide`.
    var priority: Int64 = 0
}

/// How a kind appears in the API of Kubernetes.
extension PolicyKind {
    var pluralName: String {
        switch self {
        case .releasePolicy: "releasepolicies"
        case .clusterReleasePolicy: "clusterreleasepolicies"
        case .appraisalPolicy: "appraisalpolicies"
        case .referenceValues: "referencevalues"
        }
    }

    var shortName: String {
        switch self {
        case .releasePolicy: "rpol"
        case .clusterReleasePolicy: "crpol"
        case .appraisalPolicy: "apol"
        case .referenceValues: "refvals"
        }
    }

    /// Kubernetes knows no kind that may have a namespace or not: what may have one has one there.
    var isNamespacedResource: Bool { scope != .cluster }

    var resourceDocumentation: String {
        switch self {
        case .releasePolicy:
            """
            Says which attested guests may have which resources of its namespace. What no policy allows is denied. A \
            namespace is a tenant: it is the first segment of the names of its resources.
            """
        case .clusterReleasePolicy:
            """
            Says which attested guests may have which resources of all namespaces or, as a guardrail, what must hold \
            for any release. What no policy allows is denied.
            """
        case .appraisalPolicy:
            """
            Says how the claims in evidence of one class are graded: for each of the AR4SI trust claims, whether it is \
            affirming, a warning or contraindicated.
            """
        case .referenceValues:
            """
            Named values that claims are compared with, for the policies of its namespace. Values for all namespaces \
            and for appraisal policies are no objects of the cluster: give them to the broker as a document without \
            metadata.namespace (claviger policy apply) or one by one (claviger reference put).
            """
        }
    }

    var specSchema: ObjectSchema {
        switch self {
        case .releasePolicy, .clusterReleasePolicy: ReleasePolicySchema.spec(self)
        case .appraisalPolicy: AppraisalPolicySchema.spec
        case .referenceValues: ReferenceValuesSchema.spec
        }
    }

    var printerColumns: [PrinterColumn] {
        let accepted = ".status.conditions[?(@.type==\"\(StatusSchema.accepted)\")]"
        return ownColumns + [
            PrinterColumn(name: StatusSchema.accepted, type: "string", path: "\(accepted).status"),
            PrinterColumn(name: "Reason", type: "string", path: "\(accepted).reason", priority: 1),
            PrinterColumn(name: "Age", type: "date", path: ".metadata.creationTimestamp"),
        ]
    }

    private var ownColumns: [PrinterColumn] {
        let resources = PrinterColumn(
            name: "Resources", type: "string", path: ".spec.match.resources", priority: 1)
        switch self {
        case .releasePolicy: return [resources]
        case .clusterReleasePolicy:
            return [PrinterColumn(name: "Effect", type: "string", path: ".spec.effect"), resources]
        case .appraisalPolicy: return [PrinterColumn(name: "Class", type: "string", path: ".spec.class")]
        case .referenceValues:
            return [PrinterColumn(name: "Names", type: "string", path: ".spec.values[*].name", priority: 1)]
        }
    }
}
