import Encodings
import Foundation
import TestPrograms
import Testing

private let agentProgram = BuiltProgram("attestation-agent")
private let brokerPrograms = OperatedBroker.Programs()

/// A pod from its start to its end, with all real programs: agent, broker, its database, and the operator's commands.
@Suite(
    "A pod's life with the real broker", .timeLimit(.minutes(15)),
    .enabled(
        if: agentProgram != nil && brokerPrograms != nil,
        "attestation-agent, claviger-broker and claviger are not all built"))
struct OperatedPodLifeTests {
    @Test(
        "the broker is away and comes, secrets rotate, a policy denies, the broker is killed and replaced, tokens are revoked and end, the pod ends"
    )
    func life() async throws {
        let pod = try Pod(try #require(agentProgram))
        defer { pod.remove() }
        let broker = try await OperatedBroker(try #require(brokerPrograms), port: pod.port)
        defer { broker.remove() }
        try await broker.start(tokenLifetime: "1h")
        try await broker.put("app/db/password", "one")
        try await broker.put("app/db/kept", "kept")
        try await broker.release(true)
        #expect(await broker.end(by: SIGTERM) == 0)

        // The agent starts while there is no broker: alive, not ready, nothing written.
        try pod.start()
        try await pod.reaches { try await pod.status("/healthz") == 200 }
        #expect(try await pod.status("/readyz") == 503)
        #expect(pod.content("password") == nil)

        try await broker.start(tokenLifetime: "1h")
        try await Self.rotatedAndDenied(pod, broker)

        // The broker is killed: what is there stays, and the pod stays ready for as long as its token holds.
        await broker.end(by: SIGKILL)
        try await pod.reaches { try await pod.metric("claviger_agent_last_error{code=\"unavailable\"}") == 1 }
        #expect(pod.content("password") == "two" && pod.content("kept") == "kept")
        #expect(try await pod.status("/readyz") == 200)

        try await broker.start(tokenLifetime: "10s")
        try await Self.revokedAndShortLived(pod, broker)

        // It is killed again, and the token ends: the pod is not ready, and keeps what nobody took back.
        await broker.end(by: SIGKILL)
        try await pod.reaches { try await pod.status("/readyz") == 503 }
        #expect(pod.content("password") == "three" && pod.content("kept") == "kept")

        // One attestation, and all is well.
        try await broker.start(tokenLifetime: "1h")
        try await pod.reaches { try await pod.status("/readyz") == 200 }
        #expect(try await broker.attestations() == 1)
        try await broker.put("app/db/password", "four")
        try await pod.reaches { pod.content("password") == "four" }
        try await pod.reaches { pod.hangups() == 4 }

        // The end: with status 0, and nothing stays behind.
        pod.agent()?.signal(SIGTERM)
        #expect(await pod.agent()?.status() == 0)
        #expect(try pod.names().isEmpty)
        #expect(try await broker.attestations() == 1)
        #expect(await broker.end(by: SIGTERM) == 0)
    }

    private static func rotatedAndDenied(_ pod: Pod, _ broker: OperatedBroker) async throws {
        // The broker comes up: secrets are written, the pod is ready, by one attestation.
        try await pod.reaches { try await pod.status("/readyz") == 200 }
        #expect(pod.content("password") == "one" && pod.content("kept") == "kept")
        #expect(try await broker.attestations() == 1)

        // A secret rotates: the file is swapped, and the program that uses it got its signal, once.
        let version = try pod.version()
        try await broker.put("app/db/password", "two")
        try await pod.reaches { pod.content("password") == "two" }
        #expect(try pod.version() != version)
        try await pod.reaches { pod.hangups() == 1 }

        // The policy denies: the one file goes, the other stays as it was told to; the pod is not ready. Nobody attests
        // because of that, however often the secrets are asked for.
        try await broker.release(false)
        try await pod.reaches { pod.content("password") == nil }
        #expect(try await pod.status("/readyz") == 503)
        let denials = try await broker.denials()
        for _ in 0..<50 { #expect(try await pod.status("/v1/resources/app/db/password") == 403) }
        #expect(try await broker.denials() - denials < 25)
        #expect(pod.content("kept") == "kept")
        #expect(try await broker.attestations() == 1)
        // What the pod is told leads to the decision in the broker's ledger.
        let refusal = try await pod.object("/v1/resources/app/db/password")
        let decision = try #require(refusal["decision"]?.stringValue)
        let denied = try await broker.claviger("decisions", "list", "--denied", "--limit", "1000", "-o", "json")
        #expect(denied.contains(decision))

        // The policy allows again, and the program hears of it.
        try await broker.release(true)
        try await pod.reaches { pod.content("password") == "two" }
        try await pod.reaches { pod.hangups() == 2 }
        try await pod.reaches { try await pod.status("/readyz") == 200 }
        #expect(try await broker.attestations() == 1)
    }

    private static func revokedAndShortLived(_ pod: Pod, _ broker: OperatedBroker) async throws {
        // Another broker on the same database knows the token: nobody attests.
        try await broker.put("app/db/password", "three")
        try await pod.reaches { pod.content("password") == "three" }
        try await pod.reaches { pod.hangups() == 3 }
        #expect(try await broker.attestations() == 0)

        // The operator revokes the token: one attestation for all secrets together. The tokens that come now end soon: each is
        // renewed once, not before half of its life, and nobody notices.
        let start = ContinuousClock.now
        try await broker.claviger(
            "revoke", "--token", try await pod.tokenID(), "--reason", "the pod is to attest again")
        try await pod.reaches { try await broker.attestations() >= 3 }
        let attestations = try await broker.attestations()
        #expect(attestations <= 2 + Int((ContinuousClock.now - start) / .seconds(5)))
        #expect(try await pod.status("/readyz") == 200)
        #expect(pod.content("password") == "three" && pod.hangups() == 3)
    }
}
