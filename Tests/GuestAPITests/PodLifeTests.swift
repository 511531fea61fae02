import Encodings
import Foundation
import GuestTestSupport
import HTTPTransport
import TestPrograms
import Testing

import struct HTTPTransport.HTTPRequest

private let agentProgram = BuiltProgram("attestation-agent")

/// A pod from its start to its end, with the real program.
@Suite("A pod's life", .timeLimit(.minutes(5)), .enabled(if: agentProgram != nil, "attestation-agent is not built"))
struct PodLifeTests {
    private let pod: Pod

    init() throws {
        pod = try Pod(try #require(agentProgram))
    }

    @Test(
        "the broker is away and comes, tokens end, secrets rotate, a policy denies, the broker is replaced, the pod ends"
    )
    func life() async throws {
        let pod = pod
        defer { pod.remove() }
        try pod.start()

        // The agent starts while there is no broker: alive, not ready, nothing written.
        try await pod.reaches { try await pod.status("/healthz") == 200 }
        #expect(try await pod.status("/readyz") == 503)
        #expect(try await pod.status("/startupz") == 503)
        #expect(pod.content("password") == nil)

        try await FakeKBS.run(port: pod.port) { broker, _ in
            try await Self.firstBroker(pod, broker)
        }

        // The broker is killed: what is there stays, and the pod stays ready for as long as its token holds.
        try await pod.reaches { try await pod.metric("claviger_agent_last_error{code=\"unavailable\"}") == 1 }
        #expect(pod.content("password") == "two" && pod.content("kept") == "kept")
        #expect(try await pod.status("/readyz") == 200)

        try await FakeKBS.run(port: pod.port) { broker, _ in
            try await Self.secondBroker(pod, broker)
        }
        #expect(pod.hangups() == 3)
    }

    private static func firstBroker(_ pod: Pod, _ broker: FakeKBS) async throws {
        broker.set(tokenLife: 86_400)
        broker.put("app/db/password", Array("one".utf8))
        broker.put("app/db/kept", Array("kept".utf8))

        // The broker comes up: secrets are written, the pod is ready, by one attestation.
        try await pod.reaches { try await pod.status("/readyz") == 200 }
        #expect(pod.content("password") == "one" && pod.content("kept") == "kept")
        #expect(try await pod.status("/startupz") == 200)
        #expect(broker.attestations == 1)

        // The broker no longer knows the token: one attestation, for all secrets together. The token that comes of it ends
        // soon: it is renewed, once, and nobody notices.
        broker.set(tokenLife: 10, 86_400)
        broker.revokeTokens()
        try await pod.reaches { broker.attestations == 3 }
        #expect(try await pod.status("/readyz") == 200)

        // A secret rotates: the file is swapped, and the program that uses it got its signal, once.
        let version = try pod.version()
        broker.put("app/db/password", Array("two".utf8))
        try await pod.reaches { pod.content("password") == "two" }
        #expect(try pod.version() != version)
        #expect(pod.content("kept") == "kept")
        try await pod.reaches { pod.hangups() == 1 }
        #expect(broker.attestations == 3)

        // A policy denies: the one file goes, the other stays as it was told to; the pod is not ready. Nobody attests because
        // of that, however often the secrets are asked for.
        broker.script("resource/app/db/password", .denied)
        broker.script("resource/app/db/kept", .denied)
        try await pod.reaches { pod.content("password") == nil }
        #expect(try await pod.status("/readyz") == 503)
        let asked = broker.recorded("resource/app/db/password").count
        for _ in 0..<50 { #expect(try await pod.status("/v1/resources/app/db/password") == 403) }
        #expect(broker.recorded("resource/app/db/password").count - asked < 25)
        #expect(pod.content("kept") == "kept")
        #expect(broker.attestations == 3)

        // The policy allows again, and the program hears of it.
        broker.endScript("resource/app/db/password")
        broker.endScript("resource/app/db/kept")
        try await pod.reaches { pod.content("password") == "two" }
        try await pod.reaches { pod.hangups() == 2 }
        try await pod.reaches { try await pod.status("/readyz") == 200 }
        #expect(broker.attestations == 3)
        #expect(try await pod.metric("claviger_agent_attestations_total") >= 3)
        #expect(try await pod.metric("claviger_agent_secret_removals_total") == 1)
    }

    private static func secondBroker(_ pod: Pod, _ broker: FakeKBS) async throws {
        broker.set(tokenLife: 86_400)
        broker.put("app/db/password", Array("three".utf8))
        broker.put("app/db/kept", Array("kept".utf8))

        // Another broker at the same address knows nothing of the token: one attestation, and its contents count.
        try await pod.reaches { pod.content("password") == "three" }
        try await pod.reaches { pod.hangups() == 3 }
        #expect(broker.attestations == 1)
        #expect(try await pod.status("/readyz") == 200)

        // The end: at once, with status 0, and nothing stays behind.
        pod.agent()?.signal(SIGTERM)
        #expect(await pod.agent()?.status() == 0)
        #expect(pod.content("password") == nil && pod.content("kept") == nil)
        #expect(try pod.names().isEmpty)
        #expect(broker.attestations == 1)
    }
}
