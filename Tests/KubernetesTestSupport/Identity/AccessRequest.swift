/// Who wants to do what: what roles, denials and faults are asked about.
package struct AccessRequest: Sendable {
    package var user: ClusterUser
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`.
    package var verb: String
    package var group = ""
    /// The plural; empty for addresses of no resource.
    package var resource = ""
    package var subresource = ""
    /// Empty for all namespaces, and for what belongs to none.
    package var namespace = ""
    /// Empty where no name is demanded.
    package var name = ""
    package var path = ""
    /// Whether a watch asks for the objects that exist first.
    package var wantsInitialEvents = false
}

/// A user of the cluster.
package struct ClusterUser: Sendable, Hashable {
    package var name: String
    package var uid = ""
    package var groups: [String]

    static let anonymous = ClusterUser(name: "system:anonymous", groups: ["system:unauthenticated"])
}

extension AccessRequest {
    var resourceText: String { subresource.isEmpty ? resource : "\(resource)/\(subresource)" }

    func forbidden(_ why: String) -> APIStatus {
        guard !resource.isEmpty else {
            return APIStatus(403, "Forbidden", "forbidden: User \"\(user.name)\" cannot \(verb) path \"\(path)\"\(why)")
        }
        let scope = namespace.isEmpty ? "at the cluster scope" : "in the namespace \"\(namespace)\""
        let owner = group.isEmpty ? resource : "\(resource).\(group)"
        let subject = name.isEmpty ? owner : "\(owner) \"\(name)\""
        var status = APIStatus(
            403, "Forbidden",
            "\(subject) is forbidden: User \"\(user.name)\" cannot \(verb) resource \"\(resourceText)\" in API group "
                + "\"\(group)\" \(scope)\(why)")
        status.details = ["group": .string(group), "kind": .string(resource)]
        if !name.isEmpty { status.details["name"] = .string(name) }
        return status
    }
}
