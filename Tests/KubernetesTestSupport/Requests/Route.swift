import Encodings

/// Where a request leads.
enum Route: Sendable {
    /// Objects of a kind; the name is empty for a collection.
    case resource(ResourceKind, namespace: String, name: String, subresource: String)
    /// A review: its answer is computed and nothing is stored.
    case review(String)
    /// Anything else.
    case path([String])

    init(_ segments: [String], _ state: ClusterState) {
        self = .path(segments)
        guard segments.first == "api" || segments.first == "apis" else { return }
        var rest = segments.dropFirst()
        let group = segments[0] == "api" ? "" : rest.popFirst() ?? ""
        guard let version = rest.popFirst(), var plural = rest.popFirst() else { return }
        var namespace = ""
        if plural == "namespaces", rest.count >= 2, !["status", "finalize"].contains(rest[rest.startIndex + 1]) {
            namespace = rest.removeFirst()
            plural = rest.removeFirst()
        }
        if ["authentication.k8s.io", "authorization.k8s.io"].contains(group), rest.isEmpty {
            self = .review(plural)
            return
        }
        guard let kind = state.kind(group: group, version: version, plural: plural), rest.count <= 2 else { return }
        self = .resource(
            kind, namespace: namespace, name: rest.first ?? "",
            subresource: rest.count > 1 ? rest[rest.startIndex + 1] : "")
    }

    /// What the request asks leave for.
    func access(_ request: IncomingRequest, _ user: ClusterUser) -> AccessRequest {
        guard case .resource(let kind, let namespace, let name, let subresource) = self else {
            return AccessRequest(user: user, verb: request.method.lowercased(), path: request.path)
        }
        let isWatch = request.flag("watch")
        let verb: String
        switch request.method {
        case "GET": verb = isWatch ? "watch" : name.isEmpty ? "list" : "get"
        case "POST": verb = "create"
        case "PUT": verb = "update"
        case "PATCH": verb = "patch"
        default: verb = name.isEmpty ? "deletecollection" : "delete"
        }
        var access = AccessRequest(
            user: user, verb: verb, group: kind.group, resource: kind.plural, subresource: subresource,
            namespace: namespace, name: name, path: request.path)
        access.wantsInitialEvents = request.flag("sendInitialEvents")
        if name.isEmpty, let fields = request.query["fieldSelector"], let selector = try? Selector(fields: fields, kind)
        {
            access.name = selector.demandedName ?? ""
        }
        return access
    }
}
