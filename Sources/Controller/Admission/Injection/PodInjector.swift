import Encodings
import Kubernetes
import Policy

/// Puts an agent into pods that ask for one.
///
/// Whatever a pod says, one of three things happens: it is left as it is because it did not ask, it gets the agent, or it is
/// refused with the reason. A pod that asked never starts without an agent.
struct PodInjector: Sendable {
    /// As many annotations as a pod may have, in bytes.
    static let annotationLimit = 262_144
    /// More mounts than this are not added to one pod, and a pod that has more by itself gets no agent.
    static let mostMounts = 8_192

    let settings: InjectionSettings
    let authorities: AuthorityFile?
    let profiles: any ProfileSource

    func judge(_ request: AdmissionRequest) async -> AdmissionAnswer {
        guard request.operation == .create, request.resource == "pods", request.group.isEmpty,
            request.subresource.isEmpty, let namespace = request.namespace,
            !settings.excludedNamespaces.contains(namespace)
        else { return .allowed }
        do throws(InjectionRefusal) {
            guard let object = request.object else { throw .malformed("it is missing") }
            return try await answer(try PodShape(object), in: namespace)
        } catch {
            return error.answer
        }
    }

    private func answer(_ pod: PodShape, in namespace: String) async throws(InjectionRefusal) -> AdmissionAnswer {
        // The kubelet's own record of a pod that it runs from a file: nothing can be changed in it any more.
        guard pod.annotation("kubernetes.io/config.mirror") == nil else { return .allowed }
        let profile: (name: String, spec: AgentProfileSpec)?
        switch try await InjectionChoice.choice(for: pod, in: namespace, profiles) {
        case .none: return .allowed
        case .usual: profile = nil
        case .profile(let name, let spec): profile = (name, spec)
        }
        try Self.refuseUnsuited(pod)
        var settings = settings
        settings.authorities = authorities?.text ?? settings.authorities
        let plan = try AgentPlan(settings, profile: profile, pod: pod)
        let parts = AgentParts(plan)
        var answer = AdmissionAnswer(warnings: Self.warnings(pod, plan))
        answer.patch = try PodInjection(pod: pod, parts: parts).patch()
        return answer
    }

    private static func refuseUnsuited(_ pod: PodShape) throws(InjectionRefusal) {
        func refuse(_ message: String) -> InjectionRefusal { InjectionRefusal(code: "not_supported", message: message) }
        if pod.spec["hostNetwork"]?.boolValue == true {
            throw refuse(
                "It shares the node's network, where every process could ask the agent: leave hostNetwork out.")
        }
        if pod.spec["hostPID"]?.boolValue == true {
            throw refuse(
                "It sees the node's processes, which a signal of its agent could reach: leave hostPID out.")
        }
        if pod.isForWindows { throw refuse("There is no agent for Windows.") }
        guard pod.ephemeralContainers.isEmpty else {
            throw refuse("A new pod has no ephemeral containers: leave them out.")
        }
    }

    private static func warnings(_ pod: PodShape, _ plan: AgentPlan) -> [String] {
        var warnings: [String] = []
        let signals = plan.profile?.files.contains { if case .signal? = $0.notice { true } else { false } } ?? false
        if signals, pod.spec["shareProcessNamespace"]?.boolValue != true {
            warnings.append(
                "The agent sees no process to signal: set shareProcessNamespace, or leave onChange out of the AgentProfile."
            )
        }
        let ports = pod.containers.flatMap { $0.json["ports"]?.arrayValue ?? [] }
        if plan.profile?.socket == nil, plan.profile?.mode != .initOnly,
            ports.contains(where: { $0["containerPort"]?.intValue == InjectionNames.port })
        {
            warnings.append(
                "A container of this pod uses the agent's port \(InjectionNames.port): name a socket in an AgentProfile."
            )
        }
        return warnings
    }
}
