import AdminClient
import Kubernetes
import Synchronization

@testable import Controller

/// A broker in memory: the fence, one set of documents, and replicas that follow when a test wants them to.
final class MemoryBroker: BrokerPort {
    struct Put: Sendable {
        let fence: Int64
        let keys: Set<String>
    }

    private struct State {
        var fence: Int64 = 0
        var generation: Int64 = 1
        var documents: [String: SourcePolicy] = [:]
        var puts: [Put] = []
        var replicas: [ReplicaStates.Replica] = [.init(generation: 1, problem: nil)]
        var isFollowing = true
        var isGone = false
        var secrets: [ObjectKey: (request: SecretRequest, version: Int64)] = [:]
        var removals: [SecretRemoval] = []
        var bundles: [String] = []
        var looks = 0
        var judge: @Sendable (PolicyVerdict) -> PolicyVerdict? = { $0 }
        var pause: (@Sendable () async -> Void)?
        var secretFailure: ControllerError?
        var policiesFailure: ControllerError?

        mutating func follow() {
            replicas = replicas.map { .init(generation: max($0.generation, generation), problem: $0.problem) }
        }
    }

    private let state = Mutex(State())

    var puts: [Put] { state.withLock(\.puts) }
    var looks: Int { state.withLock(\.looks) }
    var documents: [String: SourcePolicy] { state.withLock(\.documents) }
    var removals: [SecretRemoval] { state.withLock(\.removals) }
    var bundles: [String] { state.withLock(\.bundles) }
    var fence: Int64 { state.withLock(\.fence) }

    func secret(_ namespace: String, _ name: String) -> (request: SecretRequest, version: Int64)? {
        state.withLock { $0.secrets[ObjectKey(namespace: namespace, name: name)] }
    }

    /// Whether replicas decide by what was just sent.
    var isFollowing: Bool {
        get { state.withLock(\.isFollowing) }
        set {
            state.withLock {
                $0.isFollowing = newValue; if newValue { $0.follow() }
            }
        }
    }

    var isGone: Bool {
        get { state.withLock(\.isGone) }
        set { state.withLock { $0.isGone = newValue } }
    }

    func setReplicas(_ replicas: [ReplicaStates.Replica]) {
        state.withLock { state in
            state.replicas = replicas
            state.isFollowing = false
        }
    }

    /// Changes what is said of documents; nil says nothing.
    func judge(_ judge: @escaping @Sendable (PolicyVerdict) -> PolicyVerdict?) { state.withLock { $0.judge = judge } }

    /// What happens while a request is on its way.
    func pause(_ pause: (@Sendable () async -> Void)?) { state.withLock { $0.pause = pause } }

    /// Refuses every set of policies as a whole.
    func failPolicies(_ error: ControllerError?) { state.withLock { $0.policiesFailure = error } }

    /// As if a leader of a later term had written.
    func raiseFence(by count: Int64) { state.withLock { $0.fence += count } }

    func failSecrets(_ error: ControllerError?) { state.withLock { $0.secretFailure = error } }

    func put(_ policies: [OutgoingPolicy], fence: Int64) async throws(ControllerError) -> SourceAnswer {
        if let pause = state.withLock(\.pause) { await pause() }
        let result: Result<SourceAnswer, ControllerError> = state.withLock { state in
            if state.isGone { return .failure(Self.gone) }
            if let failure = state.policiesFailure { return .failure(failure) }
            guard fence >= state.fence else { return .failure(Self.fenced) }
            state.fence = fence
            var verdicts: [PolicyKey: PolicyVerdict] = [:]
            var wanted: [String: SourcePolicy] = [:]
            for policy in policies {
                let key = policy.key
                guard let verdict = state.judge(PolicyVerdict(key: key, isAccepted: true, isCompiled: true)) else {
                    continue
                }
                verdicts[key] = verdict
                wanted[key.description] = verdict.isAccepted ? policy.document : state.documents[key.description]
            }
            if wanted != state.documents { state.generation += 1 }
            state.documents = wanted
            state.puts.append(Put(fence: fence, keys: Set(verdicts.keys.map(\.description))))
            if state.isFollowing { state.follow() }
            return .success(SourceAnswer(generation: state.generation, verdicts: verdicts))
        }
        return try result.get()
    }

    func replicas() async throws(ControllerError) -> ReplicaStates {
        let states: ReplicaStates? = state.withLock { state in
            state.looks += 1
            return state.isGone ? nil : ReplicaStates(state.replicas)
        }
        guard let states else { throw Self.gone }
        return states
    }

    func put(bundle: [UInt8]) async throws(ControllerError) -> BundleAnswer {
        let text = String(decoding: bundle, as: UTF8.self)
        guard text.hasPrefix("signed:") else {
            throw ControllerError(
                code: "refused", message: "denied: The policy bundle is refused (code: signature_untrusted): no key.")
        }
        return state.withLock { state in
            if !state.bundles.contains(text) { state.generation += 1 }
            state.bundles.append(text)
            if state.isFollowing { state.follow() }
            return BundleAnswer(generation: state.generation, name: "team", serial: 7)
        }
    }

    func put(_ request: SecretRequest) async throws(ControllerError) -> SecretAnswer {
        let result: Result<SecretAnswer, ControllerError> = state.withLock { state in
            if state.isGone { return .failure(Self.gone) }
            if let failure = state.secretFailure { return .failure(failure) }
            guard request.fence >= state.fence else { return .failure(Self.fenced) }
            state.fence = request.fence
            let former = state.secrets[request.key]
            let isSame = former?.request.value == request.value && former?.request.uid == request.uid
            let version = isSame ? former?.version ?? 1 : (former?.version ?? 0) + 1
            state.secrets[request.key] = (request, version)
            var answer = SecretAnswer()
            answer.uri = "kbs:///\(request.key.namespace ?? "")/x/\(request.key.name)"
            answer.currentVersion = version
            answer.isPolicyAttached = false
            return .success(answer)
        }
        return try result.get()
    }

    func delete(_ request: SecretRemoval) async throws(ControllerError) {
        let failure: ControllerError? = state.withLock { state in
            if state.isGone { return Self.gone }
            guard request.fence >= state.fence else { return Self.fenced }
            state.secrets[request.key] = nil
            state.removals.append(request)
            return nil
        }
        if let failure { throw failure }
    }

    private static let gone = ControllerError(code: "unavailable", message: "The broker is not there.")
    private static let fenced = ControllerError(code: "fenced", message: "A newer leader was seen.")
}
