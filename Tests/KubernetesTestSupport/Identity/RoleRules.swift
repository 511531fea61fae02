import Encodings

/// Role-based access control from the roles and bindings of the cluster.
struct RoleRules {
    let state: ClusterState

    func allows(_ request: AccessRequest) -> Bool {
        if request.user.groups.contains("system:masters") { return true }
        guard !request.resource.isEmpty else { return request.user.name != ClusterUser.anonymous.name }
        for binding in state.objects(BuiltInKinds.clusterRoleBindings) where binds(binding, request.user) {
            if rules(of: binding["roleRef"], in: "").contains(where: { Self.allows($0, request) }) { return true }
        }
        guard !request.namespace.isEmpty else { return false }
        for binding in state.objects(BuiltInKinds.roleBindings)
        where binding.namespace == request.namespace && binds(binding, request.user) {
            let rules = rules(of: binding["roleRef"], in: binding.namespace)
            if rules.contains(where: { Self.allows($0, request) }) { return true }
        }
        return false
    }

    private func binds(_ binding: JSONObject, _ user: ClusterUser) -> Bool {
        (binding["subjects"]?.arrayValue ?? []).contains { subject in
            let name = subject["name"]?.stringValue ?? ""
            switch subject["kind"]?.stringValue {
            case "User": return name == user.name
            case "Group": return user.groups.contains(name)
            case "ServiceAccount":
                return user.name == "system:serviceaccount:\(subject["namespace"]?.stringValue ?? ""):\(name)"
            default: return false
            }
        }
    }

    private func rules(of reference: JSONValue?, in namespace: String) -> [JSONValue] {
        let isCluster = reference?["kind"]?.stringValue == "ClusterRole"
        let key = ObjectKey(namespace: isCluster ? "" : namespace, name: reference?["name"]?.stringValue ?? "")
        let role = state.object(isCluster ? BuiltInKinds.clusterRoles : BuiltInKinds.roles, key)
        return role?.json["rules"]?.arrayValue ?? []
    }

    private static func allows(_ rule: JSONValue, _ request: AccessRequest) -> Bool {
        func holds(_ name: String, _ value: String) -> Bool {
            let values = (rule[name]?.arrayValue ?? []).compactMap(\.stringValue)
            return values.contains(value) || values.contains("*")
        }
        guard holds("verbs", request.verb), holds("apiGroups", request.group) else { return false }
        guard holds("resources", request.resourceText) else { return false }
        let names = (rule["resourceNames"]?.arrayValue ?? []).compactMap(\.stringValue)
        return names.isEmpty || names.contains(request.name)
    }
}

extension ClusterState {
    func objects(_ kind: ResourceKind) -> [JSONObject] { (tables[kind.id]?.objects.values ?? [:].values).map(\.json) }
}
