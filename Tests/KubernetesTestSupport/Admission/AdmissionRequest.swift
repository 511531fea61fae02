import Encodings

/// What admission is asked about: one write before it is stored.
struct AdmissionRequest: Sendable {
    enum Operation: String, Sendable { case create = "CREATE", update = "UPDATE", delete = "DELETE" }

    let operation: Operation
    let kind: ResourceKind
    let namespace: String
    /// Empty where the name is not known yet.
    var name: String
    let subresource: String
    /// Nil for deletions.
    var object: JSONObject?
    let former: JSONObject?
    let user: ClusterUser
    let isDryRun: Bool
    let fieldManager: String

    /// The `request` of an AdmissionReview, without its uid: two of the same content ask the same.
    var json: JSONObject {
        let resource: JSONValue = [
            "group": .string(kind.group), "version": .string(kind.version), "resource": .string(kind.plural),
        ]
        let type: JSONValue = [
            "group": .string(kind.group), "version": .string(kind.version), "kind": .string(kind.kind),
        ]
        var json: JSONObject = [
            "kind": type, "resource": resource, "requestKind": type, "requestResource": resource,
            "operation": .string(operation.rawValue), "dryRun": .bool(isDryRun),
            "userInfo": [
                "username": .string(user.name), "uid": .string(user.uid),
                "groups": .array(user.groups.map(JSONValue.string)),
            ],
            "object": object.map(JSONValue.object) ?? .null, "oldObject": former.map(JSONValue.object) ?? .null,
            "options": .object(options),
        ]
        if !subresource.isEmpty {
            json["subResource"] = .string(subresource)
            json["requestSubResource"] = .string(subresource)
        }
        if !name.isEmpty { json["name"] = .string(name) }
        // A namespace is in itself, as far as admission is concerned.
        let place = kind.id == BuiltInKinds.namespaces.id ? name : namespace
        if !place.isEmpty { json["namespace"] = .string(place) }
        return json
    }

    private var options: JSONObject {
        let kind =
            switch operation {
            case .create: "CreateOptions"
            case .update: "UpdateOptions"
            case .delete: "DeleteOptions"
            }
        var options: JSONObject = ["kind": .string(kind), "apiVersion": "meta.k8s.io/v1"]
        if operation != .delete { options["fieldManager"] = .string(fieldManager) }
        if isDryRun { options["dryRun"] = ["All"] }
        return options
    }
}
