import BrokerTestSupport
import Encodings
import Foundation
import Policy
import Storage
import Synchronization
import Testing

@testable import Broker

@Suite("What one tenant's secrets can do to others", .timeLimit(.minutes(5)))
struct SecretShareTests {
    /// Makes keys that only look like some, notes where, and waits until it may end.
    private final class Maker: Sendable {
        struct State {
            var made = 0
            var atOnce = 0
            var mostAtOnce = 0
            var threads: Set<String> = []
            var mayEnd: Bool
        }

        let state: Mutex<State>

        init(mayEnd: Bool = true) { state = Mutex(State(mayEnd: mayEnd)) }

        func make() -> SecretBytes {
            state.withLock { state in
                state.made += 1
                state.atOnce += 1
                state.mostAtOnce = max(state.mostAtOnce, state.atOnce)
                state.threads.insert(Self.threadName())
            }
            while !state.withLock({ $0.mayEnd }) { usleep(1_000) }
            return state.withLock { state in
                state.atOnce -= 1
                return SecretBytes(Array("key \(state.made)".utf8))
            }
        }

        private static func threadName() -> String {
            let name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
            return name?.trimmingCharacters(in: .whitespacesAndNewlines) ?? ""
        }
    }

    private static let rsa = SecretFixture.spec("key", ("generate", ["kind": "rsa3072"]))

    private func put(
        _ broker: Broker, _ spec: JSONValue = SecretFixture.spec(), namespace: String = "payments",
        name: String = "secret", generation: Int64 = 1
    ) async throws -> JSONValue {
        try await broker.applySecret(
            SecretRequest(
                source: "cluster-a", namespace: namespace, name: name, fence: 1, uid: "u-1", generation: generation,
                spec: spec), by: "controller")
    }

    @Test("a request makes its key once, however often it has to look again because somebody was faster")
    func onceForRequest() async throws {
        let maker = Maker(mayEnd: false)
        let test = try await TestBroker.make(adapt: { environment in
            environment.makeSecret = { _ throws(BrokerError) in maker.make() }
        })
        let other = try await test.replica()
        async let late = put(test.broker, Self.rsa, generation: 2)
        while maker.state.withLock({ $0.made }) == 0 { await Task.yield() }
        _ = try await put(other.broker, generation: 1)
        maker.state.withLock { $0.mayEnd = true }
        let answer = try await late
        #expect(maker.state.withLock { $0.made } == 1)
        #expect(answer["currentVersion"]?.intValue ?? 0 > 1)
    }

    @Test("keys that take long are made one at a time, on a thread that no release needs")
    func workshop() async throws {
        let maker = Maker()
        let workshop = KeyWorkshop { _ throws(BrokerError) in maker.make() }
        let request = SecretRequest(
            source: "s", namespace: "payments", name: "secret", fence: 1, uid: "u", generation: 1, spec: Self.rsa)
        guard case .generate(let rsa) = try WantedSecret(request).spec.origin else { throw CancellationError() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<20 { group.addTask { _ = try await workshop.make(rsa) } }
            try await group.waitForAll()
        }
        let state = maker.state.withLock { ($0.made, $0.mostAtOnce, $0.threads) }
        #expect(state == (20, 1, ["claviger-keys"]))
    }

    @Test("a namespace's keys that take long leave the others their turns")
    func turns() {
        let slow = (0..<100).map { (namespace: "aaa", name: "s\($0)") }
        let quick = (0..<50).map { (namespace: "zoo", name: "q\($0)") }
        var turns = RotationTurns(slow + quick + [(namespace: "mid", name: "m0")])
        var (taken, spent): ([String], [String: Int]) = ([], [:])
        while let next = turns.next() {
            taken.append(next.name)
            spent[next.namespace, default: 0] += 1
            turns.note(next.namespace == "aaa" ? .milliseconds(1_000) : .milliseconds(10))
        }
        #expect(spent == ["aaa": 100, "zoo": 50, "mid": 1])
        #expect(taken.prefix(3) == ["s0", "q0", "m0"])
        // All of the quick ones are through before the second slow one.
        #expect(taken.firstIndex(of: "s1") == 52)
        #expect(taken.filter { $0.hasPrefix("q") } == quick.map(\.name))
    }

    @Test("a namespace has so many secrets and no more; what it has goes on, and others are not concerned")
    func quota() async throws {
        let test = try await TestBroker.make()
        func count(_ query: String) async throws { _ = try await test.store.database.query(query) }
        _ = try await put(test.broker, name: "mine")
        let room = SecretRepository.maximumCountOfNamespace - 1
        try await count(
            """
            INSERT INTO brokered_secrets (namespace, name, source, path, revision, key_id, content)
            SELECT 'payments', 'n' || n, 'cluster-a', 'payments/n/' || n, 1, 'k', '\\x00' FROM generate_series(1, \(room)) n
            """)
        let refused = try await brokerError { _ = try await put(test.broker, SecretFixture.spec("new"), name: "new") }
        #expect(refused?.code == "namespace_quota" && refused?.kind == .conflict)
        let changed = try await put(
            test.broker, SecretFixture.spec("key", ("generate", ["kind": "random", "length": 64])), name: "mine",
            generation: 2)
        #expect(changed["currentVersion"] == 2)
        _ = try await put(test.broker, SecretFixture.spec("new"), namespace: "shop", name: "new")
        try await count("DELETE FROM brokered_secrets WHERE name = 'n1'")
        _ = try await put(test.broker, SecretFixture.spec("new"), name: "new")
    }

    @Test("two new secrets at once do not both take the last place of a namespace")
    func lastPlace() async throws {
        let test = try await TestBroker.make()
        _ = try await test.store.database.query(
            """
            INSERT INTO brokered_secrets (namespace, name, source, path, revision, key_id, content)
            SELECT 'payments', 'n' || n, 'cluster-a', 'payments/n/' || n, 1, 'k', '\\x00'
            FROM generate_series(1, \(SecretRepository.maximumCountOfNamespace - 1)) n
            """)
        let codes = await withTaskGroup(of: String?.self) { group in
            for index in 0..<6 {
                group.addTask {
                    let spec = SecretFixture.spec("new-\(index)")
                    return try? await brokerError { _ = try await put(test.broker, spec, name: "new-\(index)") }?.code
                }
            }
            return await group.reduce(into: [String?]()) { $0.append($1) }
        }
        #expect(codes.count { $0 == nil } == 1, "\(codes)")
        #expect(codes.compactMap(\.self) == Array(repeating: "namespace_quota", count: 5))
    }

    @Test("A48: a source that is held to kinds of policies writes no secrets, unless it is said that it may")
    func kinds() async throws {
        let test = try await TestBroker.make { configuration in
            configuration.policies.sources = [
                PolicySourceConfiguration(name: "cluster-a", kinds: [.releasePolicy]),
                PolicySourceConfiguration(name: "cluster-b", kinds: [.releasePolicy], allowsSecrets: true),
            ]
        }
        let refusal = try await brokerError { _ = try await put(test.broker) }
        #expect(refusal?.code == "secrets_not_allowed" && refusal?.kind == .denied)
        let removal = SecretRemoval(source: "cluster-a", namespace: "payments", name: "secret", fence: 1, uid: "u-1")
        #expect(
            try await brokerError { _ = try await test.broker.removeSecret(removal, by: "controller") }?.code
                == "secrets_not_allowed")
        let fixture = SecretRequest(
            source: "cluster-b", namespace: "payments", name: "secret", fence: 1, uid: "u-1", generation: 1,
            spec: SecretFixture.spec())
        #expect(try await test.broker.applySecret(fixture, by: "controller")["currentVersion"] == 1)
    }
}
