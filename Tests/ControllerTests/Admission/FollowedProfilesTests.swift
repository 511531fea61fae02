import Kubernetes
import Synchronization
import Testing

@testable import Controller

@Suite("Profiles that are asked for", .timeLimit(.minutes(2)))
struct FollowedProfilesTests {
    /// An API server whose answers wait until a test lets them go.
    private final class SlowServer: Sendable {
        private struct State {
            var asked: [ObjectKey] = []
            var isOpen = false
            var waiting: [CheckedContinuation<Void, Never>] = []
            var existing: Set<ObjectKey> = []
        }

        private let state = Mutex(State())

        var asked: [ObjectKey] { state.withLock(\.asked) }

        func create(_ key: ObjectKey) { state.withLock { _ = $0.existing.insert(key) } }

        func open() {
            let waiting = state.withLock { state in
                state.isOpen = true
                defer { state.waiting = [] }
                return state.waiting
            }
            for one in waiting { one.resume() }
        }

        func answer(_ key: ObjectKey) async throws(KubernetesError) -> KubernetesObject {
            await withCheckedContinuation { continuation in
                let isOpen = state.withLock { state in
                    state.asked.append(key)
                    if !state.isOpen { state.waiting.append(continuation) }
                    return state.isOpen
                }
                if isOpen { continuation.resume() }
            }
            guard state.withLock({ $0.existing.contains(key) }) else {
                throw KubernetesError(.notFound, statusCode: 404, message: "There is none.")
            }
            return KubernetesObject(.agentProfiles, namespace: key.namespace, name: key.name)
        }
    }

    private struct NothingFollowed: ObjectCache {
        var hasSynced: Bool { true }
        var problem: String? { nil }
        var objects: [KubernetesObject] { [] }
        subscript(_ key: ObjectKey) -> KubernetesObject? { nil }
    }

    private static func profiles(_ server: SlowServer, _ time: TurnedTime) -> FollowedProfiles {
        FollowedProfiles(cache: NothingFollowed(), environment: time.environment) {
            (key) async throws(KubernetesError) in try await server.answer(key)
        }
    }

    @Test("whoever names profiles that are not there has few of them asked for at a time, and is told to try again")
    func fewAtATime() async throws {
        let (server, time) = (SlowServer(), TurnedTime())
        let profiles = Self.profiles(server, time)
        let most = FollowedProfiles.mostLookups
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<most {
                group.addTask {
                    let found = try await profiles.profile("p\(number)", in: "payments")
                    #expect(found == nil)
                }
            }
            try await eventually { server.asked.count == most }
            do throws(InjectionRefusal) {
                _ = try await profiles.profile("one-more", in: "payments")
                Issue.record("it was asked for")
            } catch {
                #expect(error.code == "unavailable")
            }
            #expect(server.asked.count == most)
            server.open()
            try await group.waitForAll()
        }
        #expect(try await profiles.profile("one-more", in: "payments") == nil)
        #expect(server.asked.count == most + 1)
    }

    @Test("a profile is asked for once for all pods that name it, as those of one Deployment do")
    func together() async throws {
        let (server, time) = (SlowServer(), TurnedTime())
        let profiles = Self.profiles(server, time)
        server.create(ObjectKey(namespace: "payments", name: "fresh"))
        try await withThrowingTaskGroup(of: String?.self) { group in
            let begun = Written()
            for _ in 0..<100 {
                group.addTask {
                    begun.add("begun")
                    return try await profiles.profile("fresh", in: "payments")?.name
                }
            }
            try await eventually { begun.all.count == 100 && !server.asked.isEmpty }
            server.open()
            for try await name in group { #expect(name == "fresh") }
        }
        // Whoever came after the answer asked anew.
        #expect(server.asked.count < 20)
    }

    @Test("what was not there is not asked for again at once, and soon it is")
    func absence() async throws {
        let (server, time) = (SlowServer(), TurnedTime())
        let profiles = Self.profiles(server, time)
        let key = ObjectKey(namespace: "payments", name: "late")
        server.open()
        for _ in 0..<50 { #expect(try await profiles.profile("late", in: "payments") == nil) }
        #expect(server.asked == [key])
        // The same name elsewhere is another profile.
        _ = try await profiles.profile("late", in: "other")
        #expect(server.asked.count == 2)
        server.create(key)
        time.pass(FollowedProfiles.absence)
        #expect(try await profiles.profile("late", in: "payments")?.name == "late")
    }

    @Test("an API server that does not answer holds no review for longer than its caller waits")
    func patience() async throws {
        let time = TurnedTime()
        let profiles = FollowedProfiles(cache: NothingFollowed(), environment: time.environment) {
            (_) async throws(KubernetesError) in
            try? await time.environment.sleep(.seconds(3_600))
            throw KubernetesError(.cancelled, message: "Nobody waits any more.")
        }
        let end = Written()
        let asking = Task {
            do throws(InjectionRefusal) {
                _ = try await profiles.profile("p", in: "payments")
            } catch {
                end.add(error.code)
            }
        }
        try await time.pass(until: { !end.all.isEmpty }, atMost: .seconds(60))
        await asking.value
        #expect(end.all == ["unavailable"])
    }
}
