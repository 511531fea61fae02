import ArgumentParser
import Controller
import Encodings
import Logging

/// What is put into pods that ask for an agent.
struct InjectionOptions: ParsableArguments {
    @Option(
        name: .long, help: "Image of injected agents, best by digest. Without it pods that ask for one are refused.")
    var agentImage: String?

    @Option(name: .long, help: "When the kubelet pulls it: IfNotPresent, Always or Never.")
    var agentPullPolicy = InjectionSettings.PullPolicy.ifNotPresent.rawValue

    @Option(
        name: .long,
        help:
            "The broker's address (https://…) for pods that name no AgentProfile. Can be repeated, the preferred one first."
    )
    var agentBrokerURL: [String] = []

    @Option(
        name: .long,
        help:
            "File with certificates (PEM) that the broker's must lead to; read anew for each pod. Default: the image's."
    )
    var agentCA: String?

    @Option(name: .long, help: "What is reserved for an agent.")
    var agentRequests = "cpu=10m,memory=48Mi"

    @Option(name: .long, help: "What an agent may use at most; an empty text for no limit.")
    var agentLimits = "memory=128Mi"

    @Option(name: .long, help: "User of an agent where neither the pod nor its AgentProfile names one.")
    var agentUser: Int64 = 65_532

    @Flag(name: .long, help: "Let AgentProfiles choose the image.")
    var agentImagesOfProfiles = false

    @Flag(name: .long, help: "Have agents show sample evidence, which proves nothing. For development only.")
    var agentAllowSample = false

    func settings() throws -> InjectionSettings {
        var settings = InjectionSettings()
        if let agentImage { settings.image = try Self.image(agentImage) }
        guard let policy = InjectionSettings.PullPolicy(rawValue: agentPullPolicy) else {
            throw ValidationError("--agent-pull-policy is IfNotPresent, Always or Never.")
        }
        settings.pullPolicy = policy
        settings.brokerURLs = try agentBrokerURL.map(Self.url)
        settings.requests = try Self.quantities(agentRequests, "agent-requests")
        settings.limits = try Self.quantities(agentLimits, "agent-limits")
        guard (1...4_294_967_294).contains(agentUser) else {
            throw ValidationError("--agent-user is a number above 0: agents never run as root.")
        }
        settings.user = agentUser
        settings.profilesChooseImages = agentImagesOfProfiles
        settings.allowsSample = agentAllowSample
        return settings
    }

    private static func image(_ text: String) throws -> String {
        guard (1...512).contains(text.utf8.count), text.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ValidationError("--agent-image takes REGISTRY/NAME@sha256:… or REGISTRY/NAME:TAG.")
        }
        return text
    }

    private static func url(_ text: String) throws -> String {
        let rest = text.dropFirst("https://".count)
        guard text.hasPrefix("https://"), !rest.isEmpty, rest.utf8.allSatisfy({ (0x21...0x7E).contains($0) }) else {
            throw ValidationError("--agent-broker-url takes an https:// address.")
        }
        return text
    }

    private static func quantities(_ text: String, _ option: String) throws -> [String: String] {
        var result: [String: String] = [:]
        for part in text.split(separator: ",") {
            let sides = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard sides.count == 2, ["cpu", "memory"].contains(sides[0]), isQuantity(sides[1]),
                result.updateValue(sides[1], forKey: sides[0]) == nil
            else { throw ValidationError("--\(option) is written like cpu=10m,memory=48Mi.") }
        }
        return result
    }

    private static func isQuantity(_ text: String) -> Bool {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }.count
        return (1...15).contains(digits)
            && ["", "m", "k", "M", "G", "T", "Ki", "Mi", "Gi", "Ti"].contains(String(text.dropFirst(digits)))
    }
}
