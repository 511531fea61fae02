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
    /// The kind with this name: that of documents, or the plural, singular or short name of kubectl, in any case.
    public init?(named name: String) {
        let name = name.lowercased()
        let match = Self.allCases.first { kind in
            [kind.rawValue.lowercased(), kind.pluralName, kind.shortName].contains(name)
        }
        guard let match else { return nil }
        self = match
    }

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

    var printerColumns: [PrinterColumn] {
        func condition(_ type: String, _ member: String) -> String {
            ".status.conditions[?(@.type==\"\(type)\")].\(member)"
        }
        return ownColumns + [
            PrinterColumn(
                name: StatusSchema.accepted, type: "string", path: condition(StatusSchema.accepted, "status")),
            PrinterColumn(
                name: StatusSchema.programmed, type: "string", path: condition(StatusSchema.programmed, "status")),
            PrinterColumn(
                name: "Reason", type: "string", path: condition(StatusSchema.accepted, "reason"), priority: 1),
            PrinterColumn(name: "Age", type: "date", path: ".metadata.creationTimestamp"),
        ]
    }

    private var ownColumns: [PrinterColumn] {
        let resources = PrinterColumn(name: "Resources", type: "string", path: ".spec.match.resources", priority: 1)
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
