import Crypto
import Encodings
import Foundation
import GuestTestSupport
import TestPrograms
import Testing

@testable import GuestAPI

private let agentProgram = BuiltProgram("attestation-agent")

@Suite(
    "The agent on a machine with a TPM", .timeLimit(.minutes(5)),
    .enabled(if: agentProgram != nil, "attestation-agent is not built")
)
struct MeasuredStartTests {
    private static let service = "attestation_agent.AttestationAgentService"
    private static let text =
        "The initdata supplied by the parameter is inconsistent with that of the current platform."

    private let program: BuiltProgram
    private let log = EventLogFolder()

    init() throws { program = try #require(agentProgram) }

    private func document(_ content: String, algorithm: String = "sha256") -> String {
        "version = \"0.1.0\"\nalgorithm = \"\(algorithm)\"\n[data]\n\"a\" = \"\(content)\"\n"
    }

    private func digest(_ document: String) -> [UInt8] { Array(SHA256.hash(data: Array(document.utf8))) }

    private func bound(_ document: String) -> String {
        Hex.encode(Array(SHA256.hash(data: [UInt8](repeating: 0, count: 32) + digest(document))))
    }

    /// Starts the agent as kata does, with the TPM as its only hardware.
    private func start(_ tpm: SoftwareTPM, _ arguments: [String], configuration: String = "") throws -> RunningProgram {
        try program.start(
            [
                "--attestation_sock", "unix://\(log.path)/aa.sock", "-c", try log.write(configuration, "aa.toml"),
            ] + arguments,
            environment: ["AA_TPM_DEVICE": tpm.socket, "AAEL_PATH": log.file])
    }

    private func connected(
        to agent: RunningProgram, _ body: (TTRPCTestClient) async throws -> Void
    ) async throws {
        let socket = "\(log.path)/aa.sock"
        try await eventually {
            try #require(agent.isRunning, "\(agent.errorText)")
            return (try? await TTRPCTestClient.connected(to: socket) { _ in }) != nil
        }
        try await TTRPCTestClient.connected(to: socket, body)
    }

    @Test("GC 9.A.12, 9.A.19, 9.A.20: the document comes before the digest, is bound once, and events are measured")
    func start() async throws {
        let tpm = try await SoftwareTPM()
        try tpm.keep(.ecc, at: "0x81010002")
        let document = document("b")
        let configuration = "[eventlog_config]\nenable_eventlog = true\ninit_pcr = 14\n"
        for round in 1...2 {
            let agent = try start(
                tpm,
                [
                    "--initdata-toml", try log.write(document, "initdata.toml"), "--initdata-digest",
                    Base64.encode([UInt8](repeating: 1, count: 32)),
                ], configuration: configuration)
            try await connected(to: agent) { client async throws in
                #expect(try await client.call(Self.service, "GetTeeType").payload == [0x0A, 3] + Array("tpm".utf8))
                var event = AttestationAgent_ExtendRuntimeMeasurementRequest()
                (event.domain, event.operation, event.content) = ("example.com", "Start", "round \(round)")
                let answer = try await client.call(
                    Self.service, "ExtendRuntimeMeasurement", payload: event.serializedBytes())
                #expect(answer.code == 0 && answer.payload.isEmpty)
                var request = AttestationAgent_GetEvidenceRequest()
                request.runtimeData = Data([1, 2, 3])
                let evidence = try AttestationAgent_GetEvidenceResponse(
                    serializedBytes: try await client.call(
                        Self.service, "GetEvidence", payload: request.serializedBytes()
                    ).payload)
                let content = try JSONValue(parsing: Array(evidence.evidence))
                let events = try Base64.decode(content["eventlog"]?.stringValue ?? "")
                #expect(events.count > 65 && events.suffix(8).allSatisfy { $0 == 0xFF })
            }
            agent.signal(SIGTERM)
            #expect(await agent.status() == 0)
        }
        #expect(try tpm.register(8) == bound(document))
        let events = try Data(contentsOf: URL(filePath: log.file))
        for round in 1...2 { #expect(events.range(of: Data("example.com Start round \(round)".utf8)) != nil) }
    }

    @Test("GC 9.A.19: init-data that is not what the hardware holds ends the start with the reference's sentence")
    func mismatch() async throws {
        let tpm = try await SoftwareTPM()
        try tpm.keep(.ecc, at: "0x81010002")
        let other = Base64.encode(digest(document("other")))
        let first = try start(tpm, ["-i", Base64.encode(digest(document("b")))])
        try await connected(to: first) { _ in }
        first.signal(SIGTERM)
        #expect(await first.status() == 0)
        for arguments in [["-i", other], ["-t", try log.write(document("c"), "c.toml")]] {
            let agent = try start(tpm, arguments)
            #expect(await agent.status() == 78)
            #expect(agent.errorText.contains(Self.text))
        }
        #expect(try tpm.register(8) == bound(document("b")))
        let long = try start(tpm, ["-t", try log.write(document("b", algorithm: "sha384"), "long.toml")])
        #expect(await long.status() == 78)
        #expect(long.errorText.contains("sha256"))
    }

    @Test("an event log in a register that the TPM keeps for others, and a TPM without a key, end the start")
    func unusable() async throws {
        let tpm = try await SoftwareTPM()
        let bare = try start(tpm, [])
        #expect(await bare.status() == 69)
        #expect(bare.errorText.contains(tpm.socket))
        try tpm.keep(.rsa, at: "0x81010002")
        let refused = try start(tpm, [], configuration: "[eventlog_config]\nenable_eventlog = true\n")
        #expect(await refused.status() == 78)
        #expect(refused.errorText.contains("init_pcr"))
    }

    @Test("an event log that would lead nowhere, because firmware's part of it cannot be seen, ends the start")
    func firmwareLog() async throws {
        let tpm = try await SoftwareTPM()
        try tpm.keep(.ecc, at: "0x81010002")
        try tpm.extend(7, hexadecimal: String(repeating: "ab", count: 32))
        let agent = try start(tpm, [], configuration: "[eventlog_config]\nenable_eventlog = true\ninit_pcr = 14\n")
        #expect(await agent.status() == 78)
        #expect(agent.errorText.contains("/sys/kernel/security/tpm0/binary_bios_measurements"))
        let without = try start(tpm, [])
        try await connected(to: without) { _ in }
        without.signal(SIGTERM)
        #expect(await without.status() == 0)
    }
}
