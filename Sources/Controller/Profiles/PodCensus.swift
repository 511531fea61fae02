import Encodings
import Kubernetes
import Policy
import Synchronization

/// How many pods there are for each AgentProfile, and how many have the agent that it describes.
///
/// Pods are counted from time to time and not followed: a cluster has many, and a number that is a minute old is as good.
final class PodCensus: Sendable {
    /// How long a count is good for; profiles of one namespace share it.
    static let period: Duration = .seconds(60)
    /// Whoever may make pods decides how large they are: of whole ones, or of their metadata alone, this many are held at a time.
    private static let pageSize = (whole: 20, metadata: 100)
    private static let mostPages = 1_000
    /// What runs no more is not counted.
    private static let living = "status.phase!=Succeeded,status.phase!=Failed"

    private struct Count: Sendable {
        let tallies: [String: PodTally]
        let at: ContinuousClock.Instant
    }

    private let api: any KubernetesAPI
    private let settings: InjectionSettings
    private let environment: RuntimeEnvironment
    private let counts = Mutex<[String: Count]>([:])

    init(api: any KubernetesAPI, settings: InjectionSettings, environment: RuntimeEnvironment) {
        self.api = api
        self.settings = settings
        self.environment = environment
    }

    /// The pods of one profile.
    ///
    /// - Parameter profiles: those of its namespace that can be used, by their names.
    /// - Returns: nil when pods cannot be listed now.
    func tally(
        of name: String, in namespace: String, _ profiles: () -> [String: AgentProfileSpec]
    ) async -> PodTally? {
        let now = environment.now()
        let known = counts.withLock { $0[namespace] }
        // A little less than the period, so that the profile that counts next does count.
        if let known, now - known.at < Self.period / 2, let tally = known.tallies[name] { return tally }
        do throws(KubernetesError) {
            let tallies = try await count(in: namespace, profiles())
            counts.withLock { counts in
                counts = counts.filter { now - $0.value.at < Self.period * 2 }
                counts[namespace] = Count(tallies: tallies, at: now)
            }
            return tallies[name]
        } catch {
            return nil
        }
    }

    /// One page after the other: only numbers are kept. Pods are read whole where a profile asks for their runtime class.
    private func count(
        in namespace: String, _ profiles: [String: AgentProfileSpec]
    ) async throws(KubernetesError) -> [String: PodTally] {
        let described = profiles.mapValues { DescribedAgent($0, settings) }
        var tallies = profiles.mapValues { _ in PodTally() }
        let isWhole = profiles.values.contains { !($0.selector?.runtimeClassNames ?? []).isEmpty }
        var options = ListOptions(
            fieldSelector: Self.living, limit: isWhole ? Self.pageSize.whole : Self.pageSize.metadata,
            metadataOnly: !isWhole)
        for _ in 0..<Self.mostPages {
            let page = try await api.list(.pods, namespace: namespace, options)
            for pod in page.items.lazy.compactMap(CountedPod.init) {
                for (name, agent) in described { tallies[name]?.add(pod, name, agent) }
            }
            guard let token = page.continueToken else { return tallies }
            options.continueToken = token
        }
        throw KubernetesError(.tooLarge, message: "The namespace \(namespace) has too many pods to be counted.")
    }
}

/// How many pods a profile is for, how many of them have its agent, and how many an agent by a former version of it.
struct PodTally: Sendable, Hashable {
    private(set) var matched: Int64 = 0
    private(set) var injected: Int64 = 0
    private(set) var outdated: Int64 = 0

    fileprivate mutating func add(_ pod: CountedPod, _ name: String, _ agent: DescribedAgent) {
        guard pod.isMeant(by: name, agent.spec) else { return }
        matched += 1
        guard pod.profile == name else { return }
        injected += 1
        if let configuration = pod.configuration, !agent.configurations.contains(configuration) { outdated += 1 }
    }

    /// The members of the profile's status.
    var fields: JSONObject {
        ["matchedPods": .int(matched), "injectedPods": .int(injected), "outdatedPods": .int(outdated)]
    }
}

/// A profile, and the configuration files that it makes of agents.
private struct DescribedAgent: Sendable {
    let spec: AgentProfileSpec
    /// With authorities beside them and without.
    let configurations: Set<String>

    init(_ spec: AgentProfileSpec, _ settings: InjectionSettings) {
        self.spec = spec
        configurations = Set(
            [true, false].map {
                AgentConfiguration(settings: settings, profile: spec, trustsNamedAuthorities: $0).json
                    .serializedString()
            })
    }
}

/// As much of a pod as is counted.
private struct CountedPod: Sendable {
    let labels: [String: String]
    let runtimeClass: String?
    let wish: String?
    /// The profile whose agent it has; nil without one.
    let profile: String?
    let configuration: String?

    /// Nil for what soon runs no more.
    init?(_ object: KubernetesObject) {
        guard object.deletionTimestamp == nil else { return nil }
        labels = Dictionary(
            (object.metadata["labels"]?.objectValue ?? [:]).compactMap { label in
                label.value.stringValue.map { (label.name, $0) }
            }, uniquingKeysWith: { first, _ in first })
        runtimeClass = object.spec?["runtimeClassName"]?.stringValue
        wish = object.annotations[InjectionNames.request]
        configuration = object.annotations[InjectionNames.configuration]
        // As the pod says it: whoever writes it wrongly has a wrong number in his own namespace.
        let status = object.annotations[InjectionNames.status].flatMap { try? JSONObject(parsing: $0) }
        profile = status?["profile"]?.stringValue
    }

    /// As injection would decide.
    func isMeant(by name: String, _ spec: AgentProfileSpec) -> Bool {
        switch wish {
        case "false"?: false
        case nil, "true"?: spec.selector?.takes(labels: labels, runtimeClass: runtimeClass) ?? false
        case let wish?: wish == name
        }
    }
}
