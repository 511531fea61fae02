import Foundation
import GRPCCore
import GuestTestSupport
import TestPrograms
import Testing

@testable import GuestAPI

private let agentProgram = BuiltProgram("attestation-agent")

@Suite(
    "Which faces the agent serves", .timeLimit(.minutes(5)),
    .enabled(if: agentProgram != nil, "attestation-agent is not built"))
struct FaceProgramTests {
    let program: BuiltProgram
    private static let usual = ["--kbs-url", "http://127.0.0.1:9", "--allow-http", "--allow-sample"]

    init() throws {
        program = try #require(agentProgram)
    }

    @Test("A58: volumes are not opened over gRPC, which does not tell who calls")
    func volumes() async throws {
        let socket = ServerTests.socketPath()
        defer { unlink(socket) }
        let agent = try program.start(Self.usual + ["--rest", "none", "--cdh-grpc", "unix://\(socket)"])
        try await eventually {
            try #require(agent.isRunning, "\(agent.errorText)")
            return agent.errorText.contains("gRPC face listens")
        }
        var request = Api_SecureMountRequest()
        request.volumeType = "block-device"
        request.options = [
            "devicePath": "/nonexistent", "sourceType": "empty", "encryptionType": "luks2", "targetType": "device",
        ]
        request.mountPoint = "/nonexistent/mount"
        let wanted = request
        await #expect(throws: RPCError.self) {
            let _: Api_SecureMountResponse = try await GRPCTestClient(path: socket).call(
                "api.SecureMountService", "SecureMount", wanted)
        }
        agent.signal(SIGTERM)
        _ = await agent.status()
        #expect(agent.errorText.contains("This face does not mount volumes."))
    }

    @Test("GC 10.2.8: where callers are named REST is served on Unix sockets only, and a wish for TCP is an error")
    func namedCallers() async throws {
        let socket = ServerTests.socketPath()
        defer { unlink(socket) }
        let named = Self.usual + ["--rest-socket", socket, "--rest-peer", "1000=/v1/*"]
        let port = try freePort()
        let contradicting = try await program.run(named + ["--rest", "127.0.0.1:\(port)"])
        #expect(await contradicting.status() == 78)
        let peers = Array(named.suffix(2))
        for without in [Self.usual + peers, Self.usual + peers + ["--rest", "none"]] {
            let faceless = try await program.run(without)
            #expect(await faceless.status() == 78)
            #expect(faceless.errorText.contains("--rest-socket"), "\(faceless.errorText)")
        }
        let agent = try program.start(named)
        try await eventually {
            try #require(agent.isRunning, "\(agent.errorText)")
            return agent.errorText.contains("REST face listens")
        }
        agent.signal(SIGTERM)
        #expect(await agent.status() == 0)
        #expect(!agent.errorText.contains("8006"))
    }
}
