import Encodings

/// As much of a pod as injection looks at. Nothing of it is trusted to be sensible.
struct PodShape: Sendable {
    /// One container of the pod.
    struct Container: Sendable {
        let name: String
        /// Where it is in the pod, as a JSON pointer.
        let pointer: String
        let json: JSONObject
        let mounts: [JSONObject]

        init(name: String, pointer: String, json: JSONObject) {
            (self.name, self.pointer, self.json) = (name, pointer, json)
            mounts = (json["volumeMounts"]?.arrayValue ?? []).compactMap(\.objectValue)
        }
    }

    let json: JSONObject
    let metadata: JSONObject
    let spec: JSONObject
    let containers: [Container]
    let initContainers: [Container]
    let ephemeralContainers: [Container]
    let volumes: [JSONObject]
    let annotations: JSONObject
    let labels: [String: String]

    /// - Throws: ``InjectionRefusal`` when it is no pod.
    init(_ json: JSONObject) throws(InjectionRefusal) {
        self.json = json
        metadata = json["metadata"]?.objectValue ?? [:]
        guard let spec = json["spec"]?.objectValue else { throw .malformed("it has no spec") }
        self.spec = spec
        containers = try Self.containers(spec, "containers")
        initContainers = try Self.containers(spec, "initContainers")
        ephemeralContainers = try Self.containers(spec, "ephemeralContainers")
        volumes = try Self.list(spec, "volumes").map { $0.json }
        annotations = try Self.texts(metadata, "annotations")
        var labels: [String: String] = [:]
        for (name, value) in try Self.texts(metadata, "labels") { labels[name] = value.stringValue }
        self.labels = labels
    }

    func annotation(_ name: String) -> String? { annotations[name]?.stringValue }

    /// A number of the pod's security context.
    func securityNumber(_ name: String) -> Int64? { spec["securityContext"]?[name]?.intValue }

    /// The groups that every process of the pod is in beside its own.
    var groups: Set<Int64> {
        let named = (spec["securityContext"]?["supplementalGroups"]?.arrayValue ?? []).compactMap(\.intValue)
        return Set(named + [securityNumber("fsGroup")].compactMap { $0 })
    }

    var isForWindows: Bool {
        spec["os"]?["name"]?.stringValue == "windows"
            || spec["nodeSelector"]?["kubernetes.io/os"]?.stringValue == "windows"
    }

    /// Who the pod is, as far as anybody knows yet.
    var name: String { metadata["name"]?.stringValue ?? metadata["generateName"]?.stringValue ?? "" }

    private static func containers(_ spec: JSONObject, _ member: String) throws(InjectionRefusal) -> [Container] {
        try list(spec, member).map { (item) throws(InjectionRefusal) in
            guard let name = item.json["name"]?.stringValue else { throw .malformed("\(member) has one without name") }
            for mounts in [item.json["volumeMounts"]] where mounts.map({ !$0.isNull && $0.arrayValue == nil }) ?? false
            {
                throw .malformed("the volumeMounts of \(name) are no list")
            }
            return Container(name: name, pointer: item.pointer, json: item.json)
        }
    }

    private static func list(
        _ spec: JSONObject, _ member: String
    ) throws(InjectionRefusal) -> [(pointer: String, json: JSONObject)] {
        guard let value = spec[member], !value.isNull else { return [] }
        guard let items = value.arrayValue else { throw .malformed("\(member) is no list") }
        var result: [(pointer: String, json: JSONObject)] = []
        for (index, item) in items.enumerated() {
            guard let object = item.objectValue else { throw .malformed("\(member) has what is no object") }
            result.append(("/spec/\(member)/\(index)", object))
        }
        return result
    }

    private static func texts(_ metadata: JSONObject, _ member: String) throws(InjectionRefusal) -> JSONObject {
        guard let value = metadata[member], !value.isNull else { return [:] }
        guard let object = value.objectValue, object.allSatisfy({ $0.value.stringValue != nil }) else {
            throw .malformed("metadata.\(member) are no texts")
        }
        return object
    }
}

/// Why a pod that asks for an agent does not get one, and so is not created.
struct InjectionRefusal: Error, Sendable, Hashable {
    /// A stable word: `malformed`, `bad_request`, `no_profile`, `ambiguous`, `profile_invalid`, `not_configured`,
    /// `not_supported`, `conflict`, `too_large` or `unavailable`.
    let code: String
    /// What is wrong and what to do.
    let message: String

    static func malformed(_ reason: String) -> InjectionRefusal {
        InjectionRefusal(code: "malformed", message: "The pod cannot be read: \(reason).")
    }

    /// What the client gets: only `unavailable` is worth another try.
    var answer: AdmissionAnswer {
        let text = "No agent can be put into this pod. \(message)"
        return code == "unavailable"
            ? .refused(503, "ServiceUnavailable", text) : .refused(code == "malformed" ? 422 : 403, "Forbidden", text)
    }
}
