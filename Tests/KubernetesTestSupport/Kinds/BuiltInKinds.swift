import Encodings

/// The kinds that every cluster has, as far as they are needed.
enum BuiltInKinds {
    static let namespaces = ResourceKind("", "v1", "namespaces", "Namespace", isNamespaced: false)
    static let serviceAccounts = ResourceKind("", "v1", "serviceaccounts", "ServiceAccount")
    static let definitions = ResourceKind(
        "apiextensions.k8s.io", "v1", "customresourcedefinitions", "CustomResourceDefinition", isNamespaced: false)
    static let leases = ResourceKind("coordination.k8s.io", "v1", "leases", "Lease")
    static let events = ResourceKind("events.k8s.io", "v1", "events", "Event")
    static let secrets = ResourceKind("", "v1", "secrets", "Secret")
    static let roles = ResourceKind("rbac.authorization.k8s.io", "v1", "roles", "Role")
    static let clusterRoles = ResourceKind(
        "rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole", isNamespaced: false)
    static let roleBindings = ResourceKind("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding")
    static let clusterRoleBindings = ResourceKind(
        "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", isNamespaced: false)

    static let all: [ResourceKind] = {
        var kinds = [
            namespaces, serviceAccounts, definitions, leases, events, secrets, roles, clusterRoles, roleBindings,
            clusterRoleBindings, mutatingWebhooks, validatingWebhooks, validatingPolicies,
            validatingBindings, mutatingPolicies, mutatingBindings,
            ResourceKind("", "v1", "pods", "Pod"),
            ResourceKind("", "v1", "configmaps", "ConfigMap"), ResourceKind("", "v1", "services", "Service"),
            ResourceKind("apps", "v1", "deployments", "Deployment"),
            ResourceKind("apps", "v1", "replicasets", "ReplicaSet"),
            ResourceKind("apps", "v1", "statefulsets", "StatefulSet"),
            ResourceKind("batch", "v1", "jobs", "Job"),
            ResourceKind("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"),
            ResourceKind("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy"),
            ResourceKind("networking.k8s.io", "v1", "ingresses", "Ingress"),
            ResourceKind("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
        ]
        for position in kinds.indices { kinds[position].complete() }
        return kinds
    }()
}

extension ResourceKind {
    fileprivate mutating func complete() {
        let short = [
            "pods": ["po"], "configmaps": ["cm"], "services": ["svc"], "deployments": ["deploy"], "namespaces": ["ns"],
            "serviceaccounts": ["sa"], "events": ["ev"], "customresourcedefinitions": ["crd", "crds"],
        ]
        shortNames = short[plural] ?? []
        let workloads = ["pods", "services", "deployments", "statefulsets", "jobs", "horizontalpodautoscalers"]
        categories = workloads.contains(plural) ? ["all"] : []
        let withoutStatus = [
            "serviceaccounts", "leases", "events", "secrets", "configmaps", "roles", "clusterroles", "rolebindings",
            "clusterrolebindings", "networkpolicies", "mutatingwebhookconfigurations",
            "validatingwebhookconfigurations",
            "validatingadmissionpolicybindings", "mutatingadmissionpolicies", "mutatingadmissionpolicybindings",
        ]
        hasStatus = !withoutStatus.contains(plural)
        hasGeneration =
            !group.isEmpty && (hasStatus || plural == "networkpolicies" || group == BuiltInKinds.admissionGroup)
        demandsVersion = ["leases", "customresourcedefinitions"].contains(plural)
        schema = BuiltInSchemas.schema(of: kind)
        columns = [.name] + (plural == "secrets" ? [Self.column("Type", ".type")] : []) + [.age]
        if plural == "leases" { columns.insert(Self.column("Holder", ".spec.holderIdentity"), at: 1) }
        if plural == "secrets" { selectableFields = ["type"] }
        if plural == "pods" { selectableFields = ["spec.nodeName", "status.phase"] }
    }

    private static func column(_ name: String, _ path: String) -> PrinterColumn {
        PrinterColumn(name: name, type: "string", path: FieldPathExpression(path))
    }
}
