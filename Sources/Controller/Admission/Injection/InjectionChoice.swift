import Encodings
import Kubernetes
import Policy

/// Whether a pod gets an agent, and which.
enum InjectionChoice: Sendable {
    case none
    /// The agent of the controller's settings.
    case usual
    case profile(name: String, spec: AgentProfileSpec)

    /// What annotation and profiles say of a pod.
    ///
    /// - Throws: ``InjectionRefusal`` when they cannot be followed. A pod whose wish nobody understands is not started
    ///   without an agent.
    static func choice(
        for pod: PodShape, in namespace: String, _ source: any ProfileSource
    ) async throws(InjectionRefusal) -> InjectionChoice {
        let wish = pod.annotation(InjectionNames.request)
        switch wish {
        case "false"?: return .none
        case nil, "true"?:
            let matching = try selecting(pod, in: namespace, source)
            guard let first = matching.first else { return wish == nil ? .none : .usual }
            guard matching.count == 1 else {
                let list = matching.map(\.name).sorted().joined(separator: ", ")
                throw InjectionRefusal(
                    code: "ambiguous",
                    message: "The selectors of the AgentProfiles \(list) all take this pod: name one of them in the "
                        + "annotation \(InjectionNames.request).")
            }
            return .profile(name: first.name, spec: first.spec)
        case let name?:
            guard isName(name) else {
                throw InjectionRefusal(
                    code: "bad_request",
                    message:
                        "The annotation \(InjectionNames.request) is 'true', 'false' or the name of an AgentProfile, not "
                        + "'\(name.prefix(80).printable)'.")
            }
            guard let object = try await source.profile(name, in: namespace) else {
                throw InjectionRefusal(
                    code: "no_profile",
                    message: "The namespace \(namespace) has no AgentProfile \(name), which the annotation "
                        + "\(InjectionNames.request) names.")
            }
            return .profile(name: name, spec: try read(object))
        }
    }

    /// A name as Kubernetes allows it (RFC 1123 subdomain).
    private static func isName(_ text: String) -> Bool {
        func isPlain(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte) }
        let bytes = Array(text.utf8)
        guard bytes.count <= 253, let first = bytes.first, let last = bytes.last else { return false }
        return isPlain(first) && isPlain(last)
            && bytes.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
    }

    /// The profiles whose selector takes the pod.
    private static func selecting(
        _ pod: PodShape, in namespace: String, _ source: any ProfileSource
    ) throws(InjectionRefusal) -> [(name: String, spec: AgentProfileSpec)] {
        var result: [(name: String, spec: AgentProfileSpec)] = []
        for object in try source.profiles(in: namespace) where object.deletionTimestamp == nil {
            guard object.spec?["selector"] != nil else { continue }
            guard mayTake(object, pod) else { continue }
            let spec = try read(object)
            if spec.selector?.takes(labels: pod.labels, runtimeClass: pod.spec["runtimeClassName"]?.stringValue) == true
            {
                result.append((object.name, spec))
            }
        }
        return result
    }

    /// Whether an object's selector, whatever else the object says, takes the pod: a profile that cannot be read is not taken
    /// for one that has nothing to say.
    private static func mayTake(_ object: KubernetesObject, _ pod: PodShape) -> Bool {
        let selector = object.spec?["selector"]
        let labels = selector?["matchLabels"]?.objectValue ?? [:]
        let classes = (selector?["runtimeClassNames"]?.arrayValue ?? []).compactMap(\.stringValue)
        let runtimeClass = pod.spec["runtimeClassName"]?.stringValue ?? ""
        return (classes.isEmpty || classes.contains(runtimeClass))
            && labels.allSatisfy { label in label.value.stringValue.map { pod.labels[label.name] == $0 } ?? true }
    }

    private static func read(_ object: KubernetesObject) throws(InjectionRefusal) -> AgentProfileSpec {
        do throws(PolicyError) {
            let documents = try ResourceParser.parse(object.plainDocument, source: "\(object)")
            if case .agentProfile(let spec)? = documents.first?.spec { return spec }
            throw PolicyError(diagnostics: [])
        } catch {
            let first = error.diagnostics.first.map { ": \($0.path): \($0.message)" } ?? "."
            throw InjectionRefusal(
                code: "profile_invalid", message: "The AgentProfile \(object.name) cannot be read\(first)")
        }
    }
}

extension AgentProfileSpec.Selector {
    /// Whether a pod with these labels, of this runtime class, is meant.
    func takes(labels: [String: String], runtimeClass: String?) -> Bool {
        matchLabels.allSatisfy { labels[$0.key] == $0.value }
            && (runtimeClassNames.isEmpty || runtimeClass.map { runtimeClassNames.contains($0) } ?? false)
    }
}
