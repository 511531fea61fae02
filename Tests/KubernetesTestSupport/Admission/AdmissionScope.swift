import Encodings

/// Which writes a webhook or a policy wants to see: rules, and selectors of namespaces and objects.
struct AdmissionScope: Sendable {
    private let rules: [JSONValue]
    private let excluded: [JSONValue]
    private let namespaces: LabelRequirements
    private let objects: LabelRequirements

    /// - Parameters:
    ///   - json: a webhook, or `matchConstraints` or `matchResources`.
    ///   - isOpen: whether it wants everything when it has no rules, as a binding does.
    init(_ json: JSONValue?, isOpen: Bool = false) {
        let given = (json?["rules"] ?? json?["resourceRules"])?.arrayValue ?? []
        let everything: JSONValue = [
            "operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"],
        ]
        rules = given.isEmpty && isOpen ? [everything] : given
        excluded = json?["excludeResourceRules"]?.arrayValue ?? []
        namespaces = LabelRequirements(json?["namespaceSelector"])
        objects = LabelRequirements(json?["objectSelector"])
    }

    func includes(_ request: AdmissionRequest, _ state: ClusterState) -> Bool {
        // What configures admission is not subject to it: nobody locks himself out.
        guard request.kind.group != BuiltInKinds.admissionGroup else { return false }
        guard rules.contains(where: { Self.holds($0, request) }) else { return false }
        guard !excluded.contains(where: { Self.holds($0, request) }) else { return false }
        let versions = [request.object, request.former].compactMap { $0 }
        guard objects.isEmpty || versions.contains(where: { objects.match($0) }) else { return false }
        if namespaces.isEmpty { return true }
        if request.kind.id == BuiltInKinds.namespaces.id {
            return (request.object ?? request.former).map(namespaces.match) ?? false
        }
        // What is in no namespace cannot be kept out by one.
        guard request.kind.isNamespaced else { return true }
        let key = ObjectKey(namespace: "", name: request.namespace)
        return state.object(BuiltInKinds.namespaces, key).map { namespaces.match($0.json) } ?? false
    }

    private static func holds(_ rule: JSONValue, _ request: AdmissionRequest) -> Bool {
        func has(_ name: String, _ value: String) -> Bool {
            let values = (rule[name]?.arrayValue ?? []).compactMap(\.stringValue)
            return values.contains(value) || values.contains("*")
        }
        guard has("operations", request.operation.rawValue), has("apiGroups", request.kind.group),
            has("apiVersions", request.kind.version)
        else { return false }
        switch rule["scope"]?.stringValue {
        case "Namespaced" where !request.kind.isNamespaced: return false
        case "Cluster" where request.kind.isNamespaced: return false
        default: break
        }
        let names = (rule["resourceNames"]?.arrayValue ?? []).compactMap(\.stringValue)
        guard names.isEmpty || names.contains(request.name) else { return false }
        return (rule["resources"]?.arrayValue ?? []).compactMap(\.stringValue).contains {
            let sides = $0.split(separator: "/", maxSplits: 1).map(String.init)
            guard sides[0] == "*" || sides[0] == request.kind.plural else { return false }
            guard sides.count > 1 else { return request.subresource.isEmpty }
            return sides[1] == "*" || sides[1] == request.subresource
        }
    }
}

/// A label selector as objects write it: `matchLabels` and `matchExpressions`, all of which must hold.
struct LabelRequirements: Sendable {
    private let labels: JSONObject
    private let expressions: [JSONValue]
    var isEmpty: Bool { labels.isEmpty && expressions.isEmpty }

    init(_ json: JSONValue?) {
        labels = json?["matchLabels"]?.objectValue ?? [:]
        expressions = json?["matchExpressions"]?.arrayValue ?? []
    }

    func match(_ object: JSONObject) -> Bool {
        let own = object.metadata["labels"]?.objectValue ?? [:]
        guard labels.allSatisfy({ own[$0.name] == $0.value }) else { return false }
        return expressions.allSatisfy { expression in
            let value = own[expression["key"]?.stringValue ?? ""]
            let values = expression["values"]?.arrayValue ?? []
            switch expression["operator"]?.stringValue {
            case "In": return value.map(values.contains) ?? false
            case "NotIn": return !(value.map(values.contains) ?? false)
            case "Exists": return value != nil
            case "DoesNotExist": return value == nil
            default: return false
            }
        }
    }
}
