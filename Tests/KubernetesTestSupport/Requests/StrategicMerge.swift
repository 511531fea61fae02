import Encodings

/// Strategic merge patch, which built-in kinds take: lists are merged by the key that their elements have.
enum StrategicMerge {
    /// The keys of the lists that workloads, services and metadata have; other lists are replaced.
    private static let keys = [
        "containers": "name", "initContainers": "name", "ephemeralContainers": "name", "env": "name", "volumes": "name",
        "volumeMounts": "mountPath", "imagePullSecrets": "name", "hostAliases": "ip", "conditions": "type",
        "topologySpreadConstraints": "topologyKey", "ownerReferences": "uid", "secrets": "name",
    ]

    static func merged(_ value: JSONValue, _ patch: JSONValue) -> JSONValue {
        guard let changes = patch.objectValue else { return patch }
        if changes["$patch"] == "replace" { return .object(withoutDirectives(changes)) }
        var object = value.objectValue ?? [:]
        for (name, change) in withoutDirectives(changes) {
            if change.isNull {
                object[name] = nil
            } else if let elements = change.arrayValue, let key = key(of: name, elements) {
                let order = changes["$setElementOrder/\(name)"]?.arrayValue ?? []
                object[name] = .array(merged(object[name]?.arrayValue ?? [], elements, by: key, order: order))
            } else {
                object[name] = merged(object[name] ?? .null, change)
            }
        }
        for (name, values) in changes where name.hasPrefix("$deleteFromPrimitiveList/") {
            let list = String(name.dropFirst("$deleteFromPrimitiveList/".count))
            let doomed = values.arrayValue ?? []
            object[list] = object[list]?.arrayValue.map { .array($0.filter { !doomed.contains($0) }) }
        }
        return .object(object)
    }

    /// Ports of a container have another key than those of a service.
    private static func key(of name: String, _ elements: [JSONValue]) -> String? {
        guard name == "ports" else { return keys[name] }
        return elements.contains { $0["containerPort"] != nil } ? "containerPort" : "port"
    }

    private static func merged(
        _ former: [JSONValue], _ changes: [JSONValue], by key: String, order: [JSONValue]
    ) -> [JSONValue] {
        var list = former
        for change in changes {
            let position = list.firstIndex { $0[key] == change[key] }
            switch (change["$patch"], position) {
            case ("delete", let position?): list.remove(at: position)
            case ("delete", nil): break
            case (_, let position?): list[position] = merged(list[position], change)
            case (_, nil): list.append(merged([:], change))
            }
        }
        func rank(_ element: JSONValue) -> Int { order.firstIndex { $0[key] == element[key] } ?? order.count }
        // What the patch does not speak of keeps its place behind the rest.
        return list.enumerated().sorted { (rank($0.element), $0.offset) < (rank($1.element), $1.offset) }.map(\.element)
    }

    private static func withoutDirectives(_ object: JSONObject) -> JSONObject {
        JSONObject(object.filter { !$0.name.hasPrefix("$") }.map { ($0.name, $0.value) })
    }
}
