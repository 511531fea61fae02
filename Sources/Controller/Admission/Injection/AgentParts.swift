import Crypto
import Encodings
import Policy

/// All that is put into a pod: a container, volumes, mounts of the others and annotations.
///
/// Fields that the API server would fill in are written out, so that a pod that was injected before is found to be as it
/// shall be.
struct AgentParts: Sendable {
    /// Between two looks whether the agent is ready; each starts a process.
    static let probePeriod: Int64 = 2
    static let folderSize = "16Mi"

    let container: JSONObject
    let volumes: [JSONObject]
    /// What each other container gets.
    let sharedMounts: [JSONObject]
    let annotations: [(name: String, value: String)]
    /// Whose parts these are, as the annotations say; nil where they do not.
    let injector: String?

    init(_ plan: AgentPlan) {
        let configuration = AgentConfiguration(
            settings: plan.settings, profile: plan.profile, trustsNamedAuthorities: plan.trustsNamedAuthorities)
        let folders = plan.folders.paths.enumerated().map { ("\(InjectionNames.filesVolume)\($0.offset)", $0.element) }
        container = Self.container(plan, folders)
        injector = plan.settings.injector
        volumes = [Self.configurationVolume(plan)] + folders.map { Self.memory($0.0) }
        sharedMounts = folders.map { ["mountPath": .string($0.1), "name": .string($0.0), "readOnly": true] }
        let text = configuration.json.serializedString()
        var annotations = [(InjectionNames.configuration, text)]
        if let authorities = plan.authorities { annotations.append((InjectionNames.authorities, authorities)) }
        var status: JSONObject = [:]
        if let name = plan.profileName { status["profile"] = .string(name) }
        if let injector { status["injector"] = .string(injector) }
        status["digest"] = .string(Self.digest(of: container))
        annotations.append((InjectionNames.status, status.serializedString()))
        self.annotations = annotations
    }

    /// Members of the container that others may rightly change: quantities are rewritten and limits filled in, images may
    /// always be pulled.
    static let changeable = ["imagePullPolicy", "resizePolicy", "resources"]

    /// What tells a container that this program made from one that only has its name: all but what is changeable and the
    /// token of the service account.
    static func substance(of container: JSONObject) -> JSONObject {
        var substance = container
        for name in changeable { substance[name] = nil }
        if let mounts = substance["volumeMounts"]?.arrayValue {
            substance["volumeMounts"] = .array(mounts.filter { !isToken($0) })
        }
        return substance
    }

    private static func isToken(_ mount: JSONValue) -> Bool {
        mount["mountPath"]?.stringValue == InjectionNames.serviceAccountFolder && mount["readOnly"] == true
            && mount["name"]?.stringValue?.hasPrefix(InjectionNames.tokenVolume) ?? false
            && mount.objectValue?.count == 3
    }

    /// SHA-256 of the substance, hexadecimal; empty for what has no canonical form.
    static func digest(of container: JSONObject) -> String {
        guard let bytes = try? JSONValue.object(substance(of: container)).canonical() else { return "" }
        return Hex.encode(Array(SHA256.hash(data: bytes)))
    }

    private static func container(_ plan: AgentPlan, _ folders: [(String, String)]) -> JSONObject {
        let mounts =
            [
                [
                    "mountPath": .string(InjectionNames.configurationFolder),
                    "name": .string(InjectionNames.configurationVolume), "readOnly": true,
                ] as JSONValue
            ] + folders.map { ["mountPath": .string($0.1), "name": .string($0.0)] as JSONValue }
        let file = "--config=\(InjectionNames.configurationFolder)/\(InjectionNames.configurationFile)"
        let isSidecar = plan.profile?.mode != .initOnly
        var container: JSONObject = [
            "name": .string(InjectionNames.container), "image": .string(plan.image),
            "imagePullPolicy": .string(plan.settings.pullPolicy.rawValue),
            "command": [.string(InjectionNames.program)],
            "args": isSidecar ? [.string(file)] : ["init", .string("--wait=\(plan.startupSeconds)"), .string(file)],
            "resources": .object(resources(plan)), "securityContext": .object(securityContext(plan)),
            "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "FallbackToLogsOnError",
            "volumeMounts": .array(mounts),
        ]
        if isSidecar {
            container["restartPolicy"] = "Always"
            container["startupProbe"] = .object(startupProbe(plan))
        }
        return container
    }

    /// Of a resource that the profile speaks of nothing is filled in: a usual limit may be below what it requests.
    private static func resources(_ plan: AgentPlan) -> JSONObject {
        let (requests, limits) = (plan.profile?.container?.requests ?? [:], plan.profile?.container?.limits ?? [:])
        func quantities(_ chosen: [String: String], _ usual: [String: String]) -> JSONValue {
            let all = chosen.merging(usual.filter { requests[$0.key] == nil && limits[$0.key] == nil }) { own, _ in own
            }
            return .object(JSONObject(all.sorted { $0.key < $1.key }.map { ($0.key, .string($0.value)) }))
        }
        return [
            "limits": quantities(limits, plan.settings.limits),
            "requests": quantities(requests, plan.settings.requests),
        ]
    }

    /// What the level `restricted` of Pod Security asks for, and a root file system that cannot be written.
    private static func securityContext(_ plan: AgentPlan) -> JSONObject {
        [
            "allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]], "readOnlyRootFilesystem": true,
            "runAsGroup": .int(plan.group), "runAsNonRoot": true, "runAsUser": .int(plan.user),
            "seccompProfile": ["type": "RuntimeDefault"],
        ]
    }

    /// True once all that is required is there: only then do the pod's other containers start.
    private static func startupProbe(_ plan: AgentPlan) -> JSONObject {
        let socket: [JSONValue] = plan.profile?.socket.map { [.string("--unix-socket=\($0)")] } ?? []
        let command: [JSONValue] = [.string(InjectionNames.program), "probe", "--timeout=4"]
        return [
            "exec": ["command": .array(command + socket + [.string("http://\(InjectionNames.address)/startupz")])],
            "failureThreshold": .int(max(1, (plan.startupSeconds + probePeriod - 1) / probePeriod)),
            "periodSeconds": .int(probePeriod), "successThreshold": 1, "timeoutSeconds": 5,
        ]
    }

    /// The annotations as files: nothing has to exist in the pod's namespace.
    private static func configurationVolume(_ plan: AgentPlan) -> JSONObject {
        func file(_ annotation: String, _ path: String) -> JSONValue {
            [
                "fieldRef": ["apiVersion": "v1", "fieldPath": .string("metadata.annotations['\(annotation)']")],
                "path": .string(path),
            ]
        }
        var items = [file(InjectionNames.configuration, InjectionNames.configurationFile)]
        if plan.authorities != nil { items.append(file(InjectionNames.authorities, InjectionNames.authorityFile)) }
        var sources: [JSONValue] = [["downwardAPI": ["items": .array(items)]]]
        if let broker = plan.profile?.broker, let map = broker.caConfigMap {
            let item: JSONValue = ["key": .string(broker.caKey), "path": .string(InjectionNames.authorityFile)]
            sources.append(["configMap": ["items": [item], "name": .string(map)]])
        }
        return [
            "name": .string(InjectionNames.configurationVolume),
            "projected": ["defaultMode": 0o444, "sources": .array(sources)],
        ]
    }

    private static func memory(_ name: String) -> JSONObject {
        ["name": .string(name), "emptyDir": ["medium": "Memory", "sizeLimit": .string(folderSize)]]
    }
}
