import Encodings

/// The injection as objects of the cluster, for API servers that change pods by themselves (Kubernetes 1.36 and newer): no
/// webhook has to be reached for a pod to start.
///
/// It knows what is the same for all pods: the settings of the controller, and the annotation `true`. AgentProfiles need the
/// webhook; a pod that names one is refused by the second policy, which also sees to it that no pod that asked for an agent
/// starts with anything else. The third keeps the agents of pods that are there from being exchanged.
public struct InjectionPolicy: Sendable {
    private let settings: InjectionSettings
    let name: String

    /// A policy for agents of these settings.
    ///
    /// - Parameters:
    ///   - settings: as the controller would have them; an image and a broker are needed.
    ///   - name: what the objects are called.
    public init(_ settings: InjectionSettings, name: String = "claviger-injection") {
        self.settings = settings
        self.name = name
    }

    /// A MutatingAdmissionPolicy, two ValidatingAdmissionPolicies and a binding for each, as YAML documents.
    ///
    /// - Throws: `ControllerError` `invalid` when image or broker are missing.
    public func yaml() throws(ControllerError) -> String {
        let parts = try parts()
        let objects = [
            mutating(parts), binding("Mutating", name), guarding(parts), binding("Validating", guardName), keeping,
            binding("Validating", keepingName),
        ]
        let text = objects.map { "---\n" + YAMLText.text(.object($0)) }.joined()
        // A block keeps the lines of an expression; the list of changes is one for each change.
        let indent = "\n" + String(repeating: " ", count: 8)
        let block = patch(parts, isTyped: true).replacing("\n", with: indent)
        return text.replacing("expression: \(Self.place)", with: "expression: |-" + indent + block)
    }

    /// Stands for the list of changes while the rest is written.
    private static let place = "the-changes"

    /// What the policy computes for each pod, by name.
    static let variables = [
        (name: "user", field: "runAsUser", otherwise: nil as String?),
        (name: "group", field: "runAsGroup", otherwise: "variables.user"),
    ]

    /// What stands for fields of the container that differ between pods.
    static func computed(in container: String) -> [String: String] {
        [
            "\(container).securityContext.runAsUser": "variables.user",
            "\(container).securityContext.runAsGroup": "variables.group",
        ]
    }

    /// The variables as a policy has them.
    var computing: [JSONValue] {
        Self.variables.map { variable in
            [
                "name": .string(variable.name),
                "expression": .string(expression(of: variable.field, otherwise: variable.otherwise)),
            ]
        }
    }

    /// The parts that a pod gets which says nothing of users and groups.
    func parts() throws(ControllerError) -> AgentParts {
        do throws(InjectionRefusal) {
            let pod = try PodShape(["metadata": [:], "spec": ["containers": []]])
            return AgentParts(try AgentPlan(settings, profile: nil, pod: pod))
        } catch {
            throw ControllerError(code: "invalid", message: error.message)
        }
    }

    /// The expression of a variable: the pod's own number where it has one that is not root's.
    func expression(of field: String, otherwise: String?) -> String {
        let path = "object.spec.securityContext.\(field)"
        return "has(object.spec.securityContext) && has(\(path)) && \(path) > 0 ? \(path) : "
            + (otherwise ?? String(settings.user))
    }

    /// The list of changes (RFC 6902) as an expression.
    ///
    /// - Parameter isTyped: whether objects carry the names of their types, as API servers want them; without they are maps.
    func patch(_ parts: AgentParts, isTyped: Bool) -> String {
        let type = "Object.spec.initContainers"
        let text = ObjectText(isTyped: isTyped, expressions: Self.computed(in: type))
        func add(_ path: String, _ value: String) -> String {
            text.object("JSONPatch", [("op", "\"add\""), ("path", "\"\(path)\""), ("value", value)])
        }
        /// Adds to a list, which is there by then.
        func listed(_ list: String, at place: String, _ values: [String]) -> [String] {
            let path = "/spec/\(list)"
            let made = "(has(object.spec.\(list)) ? [] : [\(add(path, "[]"))])"
            return [made] + values.map { "[" + add("\(path)/\(place)", $0) + "]" }
        }
        let annotations = parts.annotations.filter { $0.name != InjectionNames.status }.map { annotation in
            "["
                + add(
                    "/metadata/annotations/" + PodPatch.step(annotation.name), text.literal(.string(annotation.value)))
                + "]"
        }
        let volumes = parts.volumes.map { text.literal(.object($0), as: "Object.spec.volumes") }
        let container = text.literal(.object(parts.container), as: type)
        return (annotations + listed("volumes", at: "-", volumes) + listed("initContainers", at: "0", [container]))
            .joined(separator: "\n+ ")
    }
}

extension InjectionPolicy {
    static let request = "object.metadata.annotations['\(InjectionNames.request)']"
    private static let hasWish =
        "has(object.metadata.annotations) && '\(InjectionNames.request)' in object.metadata.annotations"
    static let asks = "\(hasWish) && \(request) != 'false'"

    func object(_ kind: String, _ name: String, _ spec: JSONObject) -> JSONObject {
        [
            "apiVersion": "admissionregistration.k8s.io/v1", "kind": .string(kind),
            "metadata": ["name": .string(name)], "spec": .object(spec),
        ]
    }

    private func binding(_ verb: String, _ name: String) -> JSONObject {
        var spec: JSONObject = ["policyName": .string(name)]
        if verb == "Validating" { spec["validationActions"] = ["Deny"] }
        return object("\(verb)AdmissionPolicyBinding", name, spec)
    }

    /// Which writes a policy is about, in the namespaces whose pods get agents.
    func constraints(_ operation: String, _ resources: [JSONValue]) -> JSONValue {
        [
            "namespaceSelector": [
                "matchExpressions": [
                    [
                        "key": .string(InjectionNames.namespaceLabel), "operator": "In",
                        "values": [.string(InjectionNames.namespaceLabelValue)],
                    ],
                    [
                        "key": "kubernetes.io/metadata.name", "operator": "NotIn",
                        "values": .array(settings.excludedNamespaces.sorted().map { .string($0) }),
                    ],
                ]
            ],
            "resourceRules": [
                [
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": [.string(operation)],
                    "resources": .array(resources),
                ]
            ],
        ]
    }

    func mutating(_ parts: AgentParts) -> JSONObject {
        let name = InjectionNames.container
        return object(
            "MutatingAdmissionPolicy", self.name,
            [
                "failurePolicy": "Fail", "reinvocationPolicy": "IfNeeded",
                "matchConstraints": constraints("CREATE", ["pods"]),
                "matchConditions": [
                    ["name": "asked-for", "expression": .string("\(Self.hasWish) && \(Self.request) == 'true'")],
                    [
                        "name": "not-there-yet",
                        "expression": .string(
                            "!has(object.spec.initContainers) || !object.spec.initContainers.exists(c, c.name == '\(name)')"
                        ),
                    ],
                ],
                "variables": .array(computing),
                "mutations": [
                    [
                        "patchType": "JSONPatch",
                        "jsonPatch": ["expression": .string(Self.place)],
                    ]
                ],
            ])
    }
}

/// Objects and values in the Common Expression Language.
struct ObjectText: Sendable {
    /// Members whose names are not fields of a type.
    private static let maps: Set<String> = ["limits", "requests"]

    let isTyped: Bool
    /// What stands for the value of a field, by the field's path.
    let expressions: [String: String]

    func literal(_ value: JSONValue, as type: String = "") -> String {
        switch value {
        case .object(let object):
            let isMap = Self.maps.contains { type.hasSuffix("." + $0) }
            let members = object.map { name, value in
                let path = "\(type).\(name)"
                return (name, expressions[path] ?? literal(value, as: path))
            }
            return self.object(isMap ? "" : type, members)
        case .array(let elements): return "[" + elements.map { literal($0, as: type) }.joined(separator: ", ") + "]"
        default: return value.serializedString()
        }
    }

    func object(_ type: String, _ members: [(String, String)]) -> String {
        let hasNames = isTyped && !type.isEmpty
        let list = members.map { (hasNames ? $0.0 : "\"\($0.0)\"") + ": " + $0.1 }.joined(separator: ", ")
        return (hasNames ? type : "") + "{" + list + "}"
    }
}
