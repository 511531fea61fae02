import Encodings
import FoundationEssentials
import KBSProtocol
import Kubernetes
import RATS

/// What a pod's object tells about the guest that it is, or runs in.
struct PodWorkload {
    private static let maximumResources = 64
    private static let maximumReports = 16

    let pod: KubernetesObject
    let namespace: String
    /// The containers that are an agent, and how they stand.
    let agents: [AgentContainer]
    /// The init-data document that the guest was to be started with.
    let initData: InitData?
    /// Why the init-data of the pod could not be read.
    let initDataProblem: String?
    /// Resources that the pod's object names as `kbs:///…`, without scheme and authority.
    let resources: [String]
    /// Decisions that containers of the pod reported when they ended.
    let reported: [String]

    init(_ pod: KubernetesObject, namespace: String) {
        self.pod = pod
        self.namespace = namespace
        agents = AgentContainer.all(of: pod)
        var (initData, problem): (InitData?, String?) = (nil, nil)
        if let annotation = pod.annotations[InitDataDocument.annotation] {
            do {
                initData = try Self.document(annotation)
            } catch {
                problem = CommandFailure(describing: error)?.message ?? "it cannot be read"
            }
        }
        self.initData = initData
        initDataProblem = problem
        var texts = Self.texts(pod.json["spec"] ?? .null) + pod.annotations.values
        if let initData { texts.append(initData.text) }
        resources = Self.found(in: texts, Self.resources, most: Self.maximumResources)
        let messages = ContainerState.all(of: pod).map(\.message)
        reported = Self.found(in: messages, Self.decisions, most: Self.maximumReports)
    }

    var name: String { pod.name }
    var phase: String? { pod.status?["phase"]?.stringValue }
    var runtimeClass: String? { pod.spec?["runtimeClassName"]?.stringValue }
    var createdAt: Date? { pod.createdAt }

    /// Whether a guest whose evidence has this digest was started with the pod's init-data; nil when the pod has none.
    func matches(initData digest: String, tee: String) -> Bool? {
        guard let initData else { return nil }
        var values = [Hex.encode(initData.digest), Base64.encode(initData.digest)]
        if let measured = TEE(wireName: tee).flatMap(initData.measurement(on:)) {
            values.append(Hex.encode(measured.value))
        }
        return values.contains(digest)
    }

    private static func document(_ annotation: String) throws -> InitData {
        let bytes = try InitDataDocument.content(of: Array(annotation.utf8), "the annotation")
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure("the annotation is not UTF-8 text")
        }
        return try InitData(toml: text)
    }

    private static func texts(_ value: JSONValue) -> [String] {
        switch value {
        case .string(let text): [text]
        case .array(let items): items.flatMap(texts)
        case .object(let members): members.flatMap { texts($0.value) }
        default: []
        }
    }

    private static func found(in texts: [String], _ find: (String) -> [String], most: Int) -> [String] {
        Array(Set(texts.flatMap(find)).sorted().prefix(most))
    }

    private static func resources(_ text: String) -> [String] {
        text.ranges(of: "kbs://").compactMap { range in
            let end = text[range.lowerBound...].prefix {
                $0.isASCII && ($0.isLetter || $0.isNumber || "/:._-~".contains($0))
            }
            return try? ResourceURI(String(end)).resourcePath().description
        }
    }

    /// The agent and the broker name decisions in two ways.
    private static func decisions(_ text: String) -> [String] {
        ["claviger explain ", "decision: "].flatMap { mark in
            text.ranges(of: mark).map { String(text[$0.upperBound...].prefix(36)) }.filter(isDecision)
        }
    }

    private static func isDecision(_ text: String) -> Bool {
        let lengths = text.split(separator: "-", omittingEmptySubsequences: false).map(\.utf8.count)
        return lengths == [8, 4, 4, 4, 12] && text.allSatisfy { $0 == "-" || $0.isASCII && $0.isHexDigit }
    }
}
