import Encodings
import Kubernetes

/// How a container of a pod stands, as the kubelet tells.
struct ContainerState {
    let name: String
    private let status: JSONObject

    /// The states of all containers that the kubelet speaks of.
    static func all(of pod: KubernetesObject) -> [ContainerState] {
        ["initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses"].flatMap { list in
            (pod.status?[list]?.arrayValue ?? []).compactMap(\.objectValue).map {
                ContainerState(name: $0.cell("name"), status: $0)
            }
        }
    }

    /// What the container, or the kubelet about it, said when it waited or ended, now and the time before; nothing of one that
    /// does what it should, whose troubles are over.
    var message: String {
        guard !isWell else { return "" }
        return ["state", "lastState"].flatMap { when in
            ["waiting", "terminated"].compactMap { status[when]?[$0]?["message"]?.stringValue }
        }.joined(separator: "\n")
    }

    private var isWell: Bool {
        status["state"]?["terminated"]?["exitCode"] == 0
            || status["state"]?["running"] != nil && status["ready"] == true
    }

    /// One sentence without a capital and a full stop.
    var sentence: String {
        var text: String
        if status["state"]?["running"] != nil {
            text = status["ready"] == true ? "is running and ready" : "is running and not ready"
        } else if let ended = status["state"]?["terminated"]?.objectValue {
            text = "has ended with status \(ended.cell("exitCode")) (\(ended.cell("reason")))"
        } else {
            text = "waits: \(status["state"]?["waiting"]?["reason"]?.stringValue ?? "not started")"
        }
        if let restarts = status["restartCount"]?.intValue, restarts > 0 { text += ", restarted \(restarts) times" }
        let last = message.split(separator: "\n").last.map { "; it said: \($0)" } ?? ""
        return text + last
    }
}

/// A container of a pod that is an agent, as far as its name, image or command shows.
struct AgentContainer {
    private static let program = "attestation-agent"

    let name: String
    let image: String
    /// How it stands; nil when the kubelet says nothing of it.
    let state: ContainerState?

    static func all(of pod: KubernetesObject) -> [AgentContainer] {
        let states = ContainerState.all(of: pod)
        return ["initContainers", "containers"].flatMap { list in
            (pod.spec?[list]?.arrayValue ?? []).compactMap(\.objectValue).filter(isAgent).map { container in
                let name = container.cell("name")
                return AgentContainer(
                    name: name, image: container.cell("image"), state: states.first { $0.name == name })
            }
        }
    }

    private static func isAgent(_ container: JSONObject) -> Bool {
        let repository = container.cell("image").split(separator: "@").first?.split(separator: "/").last ?? ""
        let command = container["command"]?.arrayValue?.first?.stringValue?.split(separator: "/").last
        return container.cell("name") == program || command.map { $0 == program } ?? false
            || repository.split(separator: ":").first.map { $0.hasSuffix(program) } ?? false
    }

    var sentence: String { "container \(name) (\(image)) \(state?.sentence ?? "is not known to the kubelet yet")" }
}
