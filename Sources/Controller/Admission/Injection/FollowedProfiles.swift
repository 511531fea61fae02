import Kubernetes
import Policy
import Synchronization

/// Profiles that are followed, and asked for by name where that did not tell of them yet: a profile is often created together
/// with the pods that name it.
///
/// Whoever reaches the webhook can name profiles. So few are asked for at a time, each once for all who name it, and for none
/// again at once that was not there.
final class FollowedProfiles: ProfileSource {
    /// The most profiles that are asked for at a time; fewer than reviews are worked on.
    static let mostLookups = 8
    /// How long an answer is waited for: API servers wait little longer for the review's.
    static let patience: Duration = .seconds(4)
    /// For how long a profile that was not there is not asked for again. What is created meanwhile, the watch tells.
    static let absence: Duration = .seconds(2)
    private static let mostAbsent = 1_024

    private typealias Lookup = Result<KubernetesObject?, KubernetesError>

    private struct State {
        var underWay: [ObjectKey: Task<Lookup, Never>] = [:]
        var absent: [ObjectKey: ContinuousClock.Instant] = [:]
    }

    private let cache: any ObjectCache
    private let ask: @Sendable (ObjectKey) async throws(KubernetesError) -> KubernetesObject
    private let environment: RuntimeEnvironment
    private let state = Mutex(State())

    /// - Parameter ask: reads a profile that is not followed yet.
    init(
        cache: any ObjectCache, environment: RuntimeEnvironment,
        ask: @escaping @Sendable (ObjectKey) async throws(KubernetesError) -> KubernetesObject
    ) {
        self.cache = cache
        self.environment = environment
        self.ask = ask
    }

    func profile(_ name: String, in namespace: String) async throws(InjectionRefusal) -> KubernetesObject? {
        let key = ObjectKey(namespace: namespace, name: name)
        if let object = cache[key] { return object }
        guard !isAbsent(key) else { return nil }
        guard let lookup = lookup(key) else {
            throw InjectionRefusal(
                code: "unavailable", message: "Too many AgentProfiles are asked for at once. Try again.")
        }
        do throws(KubernetesError) {
            return try await lookup.value.get()
        } catch {
            throw InjectionRefusal(
                code: "unavailable",
                message: "The controller cannot read the AgentProfile \(name) of the namespace \(namespace) "
                    + "(\(error.kind.rawValue)). Try again.")
        }
    }

    func profiles(in namespace: String) throws(InjectionRefusal) -> [KubernetesObject] {
        guard cache.hasSynced else {
            throw InjectionRefusal(
                code: "unavailable", message: "The controller has not read the AgentProfiles yet. Try again.")
        }
        return cache.objects.filter { $0.namespace == namespace }
    }

    private func isAbsent(_ key: ObjectKey) -> Bool {
        let now = environment.now()
        return state.withLock { state in state.absent[key].map { now < $0 } ?? false }
    }

    /// The request for a profile, perhaps somebody else's; nil when there are too many.
    private func lookup(_ key: ObjectKey) -> Task<Lookup, Never>? {
        state.withLock { state in
            if let task = state.underWay[key] { return task }
            guard state.underWay.count < Self.mostLookups else { return nil }
            let task = Task { await lookUp(key) }
            state.underWay[key] = task
            return task
        }
    }

    private func lookUp(_ key: ObjectKey) async -> Lookup {
        let answer = await answer(key)
        let now = environment.now()
        state.withLock { state in
            state.underWay[key] = nil
            guard case .success(nil) = answer else { return }
            state.absent = state.absent.filter { now < $0.value }
            if state.absent.count < Self.mostAbsent { state.absent[key] = now + Self.absence }
        }
        return answer
    }

    private func answer(_ key: ObjectKey) async -> Lookup {
        let late = Lookup.failure(KubernetesError(.serverTimeout, message: "The API server did not answer in time."))
        return await withTaskGroup(of: Lookup.self) { [ask, environment] group in
            group.addTask {
                do throws(KubernetesError) {
                    return .success(try await ask(key))
                } catch {
                    return error.kind == .notFound ? .success(nil) : .failure(error)
                }
            }
            group.addTask {
                try? await environment.sleep(Self.patience)
                return late
            }
            defer { group.cancelAll() }
            return await group.next() ?? late
        }
    }
}
