import Policy

/// What settings, profile and pod together make of an agent.
struct AgentPlan: Sendable {
    let settings: InjectionSettings
    let profileName: String?
    let profile: AgentProfileSpec?
    let image: String
    let folders: AgentFolders
    let user: Int64
    let group: Int64
    /// How long the pod waits for what is required.
    let startupSeconds: Int64

    /// - Throws: ``InjectionRefusal``.
    init(
        _ settings: InjectionSettings, profile named: (name: String, spec: AgentProfileSpec)?, pod: PodShape
    ) throws(InjectionRefusal) {
        self.settings = settings
        profileName = named?.name
        profile = named?.spec
        folders = AgentFolders(named?.spec)
        startupSeconds = named?.spec.startupTimeout ?? 120
        if let named, let problem = ProfileCheck(named.spec, settings: settings).problems.first {
            throw InjectionRefusal(
                code: "profile_invalid",
                message: "The AgentProfile \(named.name) cannot be used: \(problem.field): \(problem.message)")
        }
        let chosen = settings.profilesChooseImages ? named?.spec.container?.image : nil
        guard let image = chosen ?? settings.image else {
            throw InjectionRefusal(
                code: "not_configured",
                message: "The controller does not know an image: start it with --agent-image.")
        }
        self.image = image
        guard named != nil || !settings.brokerURLs.isEmpty else {
            throw InjectionRefusal(
                code: "not_configured",
                message: "The controller knows no broker: name an AgentProfile in the annotation "
                    + "\(InjectionNames.request), or start the controller with --agent-broker-url.")
        }
        (user, group) = try Self.owner(settings, named?.spec.files ?? [], pod)
    }

    /// Certificates that go along with the pod; nil where a ConfigMap has them, or where another broker is asked.
    var authorities: String? {
        guard profile?.broker.caConfigMap == nil else { return nil }
        let isSettingsBroker = profile.map { Set($0.broker.urls).isSubset(of: settings.brokerURLs) } ?? true
        return isSettingsBroker ? settings.authorities : nil
    }

    var trustsNamedAuthorities: Bool { authorities != nil || profile?.broker.caConfigMap != nil }

    /// Who the agent runs as: without the right to give files away it must be who is to own them.
    private static func owner(
        _ settings: InjectionSettings, _ files: [AgentProfileSpec.File], _ pod: PodShape
    ) throws(InjectionRefusal) -> (user: Int64, group: Int64) {
        let ids: ClosedRange<Int64> = 1...4_294_967_294
        let podUser = pod.securityNumber("runAsUser").flatMap { ids.contains($0) ? $0 : nil }
        let user = files.compactMap(\.user).first ?? podUser ?? settings.user
        let podGroup = pod.securityNumber("runAsGroup").flatMap { ids.contains($0) ? $0 : nil }
        let asked = Set(files.compactMap(\.group))
        let outside = asked.subtracting(pod.groups)
        let own = podGroup ?? user
        switch outside.count {
        case 0: return (user, own)
        case 1: return (user, outside.first ?? own)
        default:
            let names = outside.sorted().map(String.init).joined(separator: ", ")
            throw InjectionRefusal(
                code: "profile_invalid",
                message: "One agent cannot write files for the groups \(names): add all but one of them to the pod's "
                    + "securityContext.supplementalGroups.")
        }
    }
}
