import Encodings

/// The policy that looks at a new pod last: it has the very agent of this cluster, or it is not stored.
extension InjectionPolicy {
    var guardName: String { name + "-guard" }

    func guarding(_ parts: AgentParts) -> JSONObject {
        object(
            "ValidatingAdmissionPolicy", guardName,
            [
                "failurePolicy": "Fail", "matchConstraints": constraints("CREATE", ["pods"]),
                "matchConditions": [["name": "asked-for", "expression": .string(Self.asks)]],
                "variables": .array(computing + [Self.agents, Self.volumes]),
                "validations": .array(
                    validations(parts).map { ["expression": .string($0.expression), "message": .string($0.message)] }),
            ])
    }

    private static let agents = named("agents", in: "initContainers", InjectionNames.container)
    private static let volumes = named("volumes", in: "volumes", InjectionNames.configurationVolume)

    /// A variable with those of a list of the pod's `spec` that have a name.
    private static func named(_ variable: String, in list: String, _ name: String) -> JSONValue {
        let path = "object.spec.\(list)"
        return [
            "name": .string(variable),
            "expression": .string("has(\(path)) ? \(path).filter(c, c.name == '\(name)') : []"),
        ]
    }

    /// What must hold for a pod that asked, once all changes were made; each with what its author is told.
    private func validations(_ parts: AgentParts) -> [(expression: String, message: String)] {
        let (name, volume) = (InjectionNames.container, InjectionNames.configurationVolume)
        let annotations = parts.annotations.filter { $0.name != InjectionNames.status }
        return [
            (
                "\(Self.request) == 'true'",
                "In this cluster \(InjectionNames.request) is 'true' or 'false': AgentProfiles need the injection webhook."
            ),
            (
                "!has(object.spec.hostNetwork) || !object.spec.hostNetwork",
                "A pod with an agent cannot share the node's network: leave hostNetwork out."
            ),
            (
                "!has(object.spec.hostPID) || !object.spec.hostPID",
                "A pod with an agent cannot share the node's processes: leave hostPID out."
            ),
            (
                "!object.spec.containers.exists(c, c.name == '\(name)')",
                "The name \(name) is the agent's: give the container another one."
            ),
            (
                "size(variables.agents) == 1 && object.spec.initContainers[0].name == '\(name)'",
                "The pod asks for an agent and does not have the cluster's as first init container."
            ),
            (
                "variables.agents.all(a, \(Self.isAgent(parts)))",
                "The container \(name) is not as the cluster makes it: leave it out, and it is added."
            ),
            (
                "size(variables.volumes) == 1 && variables.volumes.all(v, \(Self.isVolume(parts)))",
                "The volume \(volume) is not as the cluster makes it: leave it out, and it is added."
            ),
            (
                annotations.map(Self.isAnnotation).joined(separator: " && "),
                "The annotations of the agent are not as the cluster makes them: leave them out, and they are added."
            ),
        ]
    }

    /// The same that the webhook compares: what others may rightly change may be anything.
    private static func isAgent(_ parts: AgentParts) -> String {
        var substance = AgentParts.substance(of: parts.container)
        let mounts = (substance["volumeMounts"]?.arrayValue ?? []).map { isMount($0) }
        substance["volumeMounts"] = nil
        let sameness = SamenessText(expressions: computed(in: "a"))
        var conditions = sameness.conditions(
            "a", are: substance, besides: AgentParts.changeable + ["volumeMounts"])
        let own = mounts.map { "(\($0))" }
        conditions.append("has(a.volumeMounts)")
        conditions += own.map { "a.volumeMounts.exists(m, \($0))" }
        conditions.append("a.volumeMounts.all(m, \((own + ["(\(isToken))"]).joined(separator: " || ")))")
        return conditions.joined(separator: " && ")
    }

    private static func isMount(_ mount: JSONValue) -> String {
        SamenessText(expressions: [:]).condition("m", is: mount)
    }

    /// The mount of a service account's token, which every container gets after the policies that change pods.
    private static var isToken: String {
        let mount: JSONObject = ["mountPath": .string(InjectionNames.serviceAccountFolder), "readOnly": true]
        return
            (SamenessText(expressions: [:]).conditions("m", are: mount, besides: ["name"])
            + ["m.name.startsWith('\(InjectionNames.tokenVolume)')"]).joined(separator: " && ")
    }

    private static func isVolume(_ parts: AgentParts) -> String {
        let volumes = parts.volumes.filter { $0["name"]?.stringValue == InjectionNames.configurationVolume }
        return volumes.map { SamenessText(expressions: [:]).condition("v", is: .object($0)) }
            .joined(separator: " && ")
    }

    private static func isAnnotation(_ name: String, _ value: String) -> String {
        let annotations = "object.metadata.annotations"
        return "'\(name)' in \(annotations) && "
            + "\(annotations)['\(name)'] == \(JSONValue.string(value).serializedString())"
    }
}

/// The policy that looks at pods that change: their agent and its configuration stay what they were at the start.
extension InjectionPolicy {
    var keepingName: String { name + "-keep-agents" }

    var keeping: JSONObject {
        let isAgent = "c, c.name == '\(InjectionNames.container)'"
        func images(_ pod: String) -> String { "\(pod).spec.initContainers.filter(\(isAgent)).map(c, c.image)" }
        let (new, old) = ("variables.annotations", "variables.former")
        let isOthers = "!k.startsWith('\(InjectionNames.annotationPrefix)')"
        return object(
            "ValidatingAdmissionPolicy", keepingName,
            [
                // Whoever writes a pod's status can write its annotations.
                "failurePolicy": "Fail", "matchConstraints": constraints("UPDATE", ["pods", "pods/status"]),
                "matchConditions": [
                    [
                        "name": "has-agent",
                        "expression": .string(
                            "has(oldObject.spec.initContainers) && oldObject.spec.initContainers.exists(\(isAgent))"),
                    ]
                ],
                "variables": [
                    Self.annotations("annotations", of: "object"), Self.annotations("former", of: "oldObject"),
                ],
                "validations": [
                    [
                        "expression": .string(
                            "has(object.spec.initContainers) && \(images("object")) == \(images("oldObject"))"),
                        "message": .string(
                            "The image of \(InjectionNames.container) stays what it was at the start: make a new pod."),
                    ],
                    [
                        "expression": .string(
                            "\(new).all(k, \(isOthers) || (k in \(old) && \(old)[k] == \(new)[k])) "
                                + "&& \(old).all(k, \(isOthers) || k in \(new))"),
                        "message": .string(
                            "The annotations \(InjectionNames.annotationPrefix)… stay what they were at the start: make a "
                                + "new pod."),
                    ],
                ],
            ])
    }

    private static func annotations(_ variable: String, of pod: String) -> JSONValue {
        let path = "\(pod).metadata.annotations"
        return ["name": .string(variable), "expression": .string("has(\(path)) ? \(path) : {}")]
    }
}
