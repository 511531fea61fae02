import Encodings
import Testing

/// Changes of an injected pod by somebody who wants an agent of his own to be taken for the cluster's.
struct HostileAgents: Sendable, CustomTestStringConvertible {
    let change: JSONValue

    var testDescription: String { change.serializedString() }

    static let all: [HostileAgents] = container + rest

    private static let container: [HostileAgents] = [
        add("image", "registry.example/evil:1"), add("command/0", "/mnt/evil"), add("command/-", "init"),
        add("args", ["--config=/mnt/evil.json"]), add("args/-", "--kbs-url=https://evil.example"),
        add("restartPolicy", "OnFailure"), add("env", [["name": "LD_PRELOAD", "value": "/mnt/evil.so"]]),
        add("envFrom", [["configMapRef": ["name": "evil"]]]), add("workingDir", "/work"),
        add("securityContext/privileged", true), add("securityContext/allowPrivilegeEscalation", true),
        add("securityContext/runAsUser", 0), add("securityContext/runAsUser", 1_001),
        add("securityContext/runAsGroup", 0), add("securityContext/runAsNonRoot", false),
        add("securityContext/readOnlyRootFilesystem", false), add("securityContext/procMount", "Unmasked"),
        add("securityContext/capabilities/add", ["SYS_PTRACE"]), add("securityContext/capabilities/drop", []),
        add("securityContext/seccompProfile/type", "Unconfined"),
        add("securityContext/seccompProfile/localhostProfile", "evil.json"),
        add("securityContext/seLinuxOptions", ["type": "spc_t"]),
        add("securityContext/appArmorProfile", ["type": "Unconfined"]),
        add("volumeMounts/-", ["mountPath": "/usr/bin/attestation-agent", "name": "evil", "readOnly": true]),
        add("volumeMounts/-", ["mountPath": "/work", "name": "kube-api-access-evil", "readOnly": true]),
        add("volumeMounts/0/name", "evil"), add("volumeMounts/0/subPath", "evil"), add("volumeMounts", []),
        add("volumeMounts/0/mountPropagation", "Bidirectional"), add("volumeMounts/0/readOnly", false),
        add("volumeMounts/1/name", "evil"), add("volumeMounts/1/readOnly", false),
        add("volumeDevices", [["devicePath": "/dev/sev", "name": "evil"]]),
        add("lifecycle", ["postStart": ["exec": ["command": ["/bin/evil"]]]]),
        add("startupProbe/exec/command", ["/bin/true"]), add("startupProbe/httpGet", ["port": 1]),
        add("startupProbe/failureThreshold", 1_000_000), add("startupProbe/terminationGracePeriodSeconds", 1),
        add("livenessProbe", ["exec": ["command": ["/bin/evil"]]]),
        add("readinessProbe", ["exec": ["command": ["/bin/evil"]]]),
        add("ports", [["containerPort": 8_006, "hostPort": 8_006]]), add("stdin", true), add("tty", true),
        add("terminationMessagePath", "/usr/bin/attestation-agent"), add("terminationMessagePolicy", "File"),
        remove("startupProbe"), remove("securityContext"), remove("volumeMounts"), remove("restartPolicy"),
        remove("command"), remove("args"),
    ]

    private static let firstItem = "/spec/volumes/0/projected/sources/0/downwardAPI/items/0/"

    private static let rest: [HostileAgents] = [
        at("/metadata/annotations/claviger.dev~1agent-config", #"{"broker":{"urls":["https://evil.example"]}}"#),
        at("/metadata/annotations/claviger.dev~1agent-ca", "-----BEGIN CERTIFICATE-----"),
        HostileAgents(change: ["op": "remove", "path": "/metadata/annotations/claviger.dev~1agent-config"]),
        HostileAgents(change: ["op": "remove", "path": "/metadata/annotations/claviger.dev~1agent-ca"]),
        HostileAgents(change: ["op": "remove", "path": "/spec/volumes"]),
        at("/spec/volumes/0", ["name": "claviger-agent-config", "configMap": ["name": "evil"]]),
        at("/spec/volumes/0/projected/sources/-", ["configMap": ["name": "evil"]]),
        at("/spec/volumes/0/projected/sources/0/configMap", ["name": "evil"]),
        at(firstItem + "fieldRef/fieldPath", "metadata.annotations['evil']"),
        at(firstItem + "path", "evil.json"),
        at("/spec/volumes/0/emptyDir", [:]),
        at("/spec/initContainers/-", ["name": "claviger-agent", "image": "registry.example/evil:1"]),
        at("/spec/initContainers/0", ["name": "first", "image": "registry.example/first:1"]),
        at("/spec/containers/-", ["name": "claviger-agent", "image": "registry.example/evil:1"]),
        at("/spec/hostNetwork", true), at("/spec/hostPID", true),
    ]

    private static func at(_ path: String, _ value: JSONValue) -> HostileAgents {
        HostileAgents(change: ["op": "add", "path": .string(path), "value": value])
    }

    /// For a member that is there the same as `replace`; an element of a list it goes in front of.
    private static func add(_ field: String, _ value: JSONValue) -> HostileAgents {
        at("/spec/initContainers/0/" + field, value)
    }

    private static func remove(_ field: String) -> HostileAgents {
        HostileAgents(change: ["op": "remove", "path": .string("/spec/initContainers/0/" + field)])
    }

    /// Pointers to all values that hold no others.
    static func leaves(_ value: JSONValue, _ path: String) -> [String] {
        switch value {
        case .object(let object): object.flatMap { leaves($0.value, "\(path)/\($0.name)") }
        case .array(let elements): elements.enumerated().flatMap { leaves($0.element, "\(path)/\($0.offset)") }
        default: [path]
        }
    }

    /// Another value in a place, of a type that fits nowhere.
    static func another(_ path: String) -> JSONValue {
        ["op": "replace", "path": .string(path), "value": "another"]
    }
}
