/// What `kubectl get` shows of an object in one column.
struct PrinterColumn: Sendable, Hashable {
    let name: String
    /// `string`, `integer` or `date`.
    let type: String
    let path: String
    /// 0 is always shown; 1 only with `-o wide`.
    var priority: Int64 = 0

    /// A column with the status or the reason of a condition.
    static func condition(_ type: String, _ member: String = "status", priority: Int64 = 0) -> PrinterColumn {
        PrinterColumn(
            name: member == "status" ? type : "Reason", type: "string",
            path: ".status.conditions[?(@.type==\"\(type)\")].\(member)", priority: priority)
    }
}

/// How a kind appears in the API of Kubernetes.
extension ResourceKind {
    /// The kind with this name: that of documents, or the plural, singular or short name of kubectl, in any case.
    public init?(named name: String) {
        let name = name.lowercased()
        let match = Self.allCases.first { kind in
            [kind.rawValue.lowercased(), kind.pluralName, kind.shortName].contains(name)
        }
        guard let match else { return nil }
        self = match
    }

    /// The name of the kind in addresses of the API server, such as `releasepolicies`.
    public var pluralName: String {
        switch self {
        case .releasePolicy: "releasepolicies"
        case .clusterReleasePolicy: "clusterreleasepolicies"
        case .appraisalPolicy: "appraisalpolicies"
        case .referenceValues: "referencevalues"
        case .brokeredSecret: "brokeredsecrets"
        case .agentProfile: "agentprofiles"
        case .policyBundle: "policybundles"
        }
    }

    var shortName: String {
        switch self {
        case .releasePolicy: "rpol"
        case .clusterReleasePolicy: "crpol"
        case .appraisalPolicy: "apol"
        case .referenceValues: "refvals"
        case .brokeredSecret: "bsec"
        case .agentProfile: "aprof"
        case .policyBundle: "pbun"
        }
    }

    /// Whether objects of the kind belong to a namespace. Kubernetes knows no kind that may have one or not: what may have
    /// one has one there.
    public var isNamespacedResource: Bool { scope != .cluster }

    var printerColumns: [PrinterColumn] {
        let conditions: [PrinterColumn] =
            switch self {
            case .brokeredSecret:
                [
                    .condition(StatusSchema.ready), .condition(StatusSchema.ready, "reason", priority: 1),
                    .condition(StatusSchema.policyAttached, priority: 1),
                ]
            case .agentProfile:
                [.condition(StatusSchema.ready), .condition(StatusSchema.ready, "reason", priority: 1)]
            case .releasePolicy, .clusterReleasePolicy, .appraisalPolicy, .referenceValues, .policyBundle:
                [
                    .condition(StatusSchema.accepted), .condition(StatusSchema.programmed),
                    .condition(StatusSchema.accepted, "reason", priority: 1),
                ]
            }
        return ownColumns + conditions
            + [PrinterColumn(name: "Age", type: "date", path: ".metadata.creationTimestamp")]
    }

    private var ownColumns: [PrinterColumn] {
        func column(_ name: String, _ path: String, type: String = "string", wide: Bool = false) -> PrinterColumn {
            PrinterColumn(name: name, type: type, path: path, priority: wide ? 1 : 0)
        }
        let resources = column("Resources", ".spec.match.resources", wide: true)
        return switch self {
        case .releasePolicy: [resources]
        case .clusterReleasePolicy: [column("Effect", ".spec.effect"), resources]
        case .appraisalPolicy: [column("Class", ".spec.class")]
        case .referenceValues: [column("Names", ".spec.values[*].name", wide: true)]
        case .brokeredSecret:
            [
                column("Source", ".status.source.kind"),
                column("Version", ".status.currentVersion", type: "integer"),
                column("URI", ".status.uri"), column("Next rotation", ".status.nextRotation", wide: true),
            ]
        case .agentProfile:
            [
                column("Mode", ".spec.mode", wide: true), column("Matched", ".status.matchedPods", type: "integer"),
                column("Injected", ".status.injectedPods", type: "integer"),
                column("Outdated", ".status.outdatedPods", type: "integer", wide: true),
            ]
        case .policyBundle:
            [column("Bundle", ".status.name"), column("Serial", ".status.serial", type: "integer")]
        }
    }

    /// The fields by which the API server lets objects be selected: `kubectl get --field-selector`.
    var selectableFields: [String] {
        switch self {
        case .clusterReleasePolicy: [".spec.effect", ".spec.mode"]
        case .releasePolicy: [".spec.mode"]
        case .appraisalPolicy: [".spec.class"]
        case .brokeredSecret: [".spec.path.type", ".spec.secretRef.name", ".spec.deletionPolicy"]
        case .agentProfile: [".spec.mode"]
        case .referenceValues, .policyBundle: []
        }
    }
}
