import Foundation
import GuestTestSupport
import HTTPTransport
import TestPrograms
import Testing

import struct HTTPTransport.HTTPRequest

@testable import GuestAPI

private let agentProgram = BuiltProgram("attestation-agent")

@Suite(
    "Kata's command lines", .timeLimit(.minutes(5)), .enabled(if: agentProgram != nil, "attestation-agent is not built")
)
struct KataCommandTests {
    let program: BuiltProgram
    let folder: URL
    /// What no file of the reference can say, because the reference would not ask.
    static let consent = ["CLAVIGER_AGENT_ALLOW_HTTP": "1", "CLAVIGER_AGENT_ALLOW_SAMPLE": "1"]

    init() throws {
        program = try #require(agentProgram)
        folder = FileManager.default.temporaryDirectory.appending(path: "kata-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func write(_ text: String, _ name: String) throws -> String {
        let path = folder.appending(path: name).path
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    /// Waits for the socket as kata does, and connects.
    static func connected(
        _ agent: RunningProgram, _ socket: String,
        _ body: (TTRPCTestClient) async throws -> Void
    ) async throws {
        try await eventually {
            try #require(agent.isRunning, "\(agent.errorText)")
            return (try? await TTRPCTestClient.connected(to: socket) { _ in }) != nil
        }
        try await TTRPCTestClient.connected(to: socket, body)
    }

    @Test("GC 9.A.22: attestation-agent --attestation_sock … --initdata-toml … -c … serves tokens, and nothing else")
    func attestationAgent() async throws {
        let (program, folder) = (program, folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await FakeKBS.run { broker, url in
            let socket = folder.path + "/aa.sock"
            let initData = "version = \"0.1.0\"\nalgorithm = \"sha384\"\n[data]\n\"a\" = \"b\"\n"
            let configuration = """
                [token_configs.kbs]
                url = "\(url)"
                tee_key_algorithm = "RSA-OAEP-256"
                [claviger]
                allow_http = true
                allow_sample = true
                """
            let agent = try program.start([
                "--attestation_sock", "unix://\(socket)", "--initdata-toml", try write(initData, "initdata.toml"), "-c",
                try write(configuration, "aa.toml"),
            ])
            try await Self.connected(agent, socket) { client async throws in
                let service = "attestation_agent.AttestationAgentService"
                #expect(try await client.call(service, "GetTeeType").payload == [0x0A, 6] + Array("sample".utf8))
                var request = AttestationAgent_GetTokenRequest()
                request.tokenType = "kbs"
                let answer = try await client.call(service, "GetToken", payload: request.serializedBytes())
                #expect(String(decoding: answer.payload, as: UTF8.self).contains("-----BEGIN RSA PRIVATE KEY-----"))
                // The confidential-data-hub is another process in a guest of kata's, and so is REST.
                #expect(try await client.call("api.GetResourceService", "GetResource").code == 3)
            }
            let sent = try #require(broker.recorded("attest").first)
            #expect(String(decoding: sent.body, as: UTF8.self).contains(#"algorithm = \"sha384\""#))
            #expect(!agent.errorText.contains("REST face listens"))
            agent.signal(SIGHUP)
            #expect(await agent.status() == 0)
        }
    }

    @Test("GC 9.C.41: confidential-data-hub -c …, by that name, serves resources and fetches its credentials")
    func confidentialDataHub() async throws {
        let (program, folder) = (program, folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", Array("secret".utf8))
            let socket = folder.path + "/cdh.sock"
            let configuration = "socket = \"unix://\(socket)\"\n[kbc]\nname = \"cc_kbc\"\nurl = \"\(url)\"\n"
            let name = folder.path + "/confidential-data-hub"
            try FileManager.default.createSymbolicLink(atPath: name, withDestinationPath: program.path)
            let hub = try RunningProgram(
                name, ["-c", try write(configuration, "cdh.toml")], environment: Self.consent)
            try await Self.connected(hub, socket) { client async throws in
                var request = Api_GetResourceRequest()
                request.resourcePath = "kbs:///a/b/c"
                let answer = try await client.call(
                    "api.GetResourceService", "GetResource", payload: request.serializedBytes())
                #expect(answer.payload == [0x0A, 6] + Array("secret".utf8))
                #expect(try await client.call("attestation_agent.AttestationAgentService", "GetTeeType").code == 3)
            }
            hub.signal(SIGTERM)
            #expect(await hub.status() == 0)
        }
    }

    @Test("GC 9.A.5: api-server-rest --features … finds its broker in AA_KBC_PARAMS and offers what it is told to")
    func apiServerREST() async throws {
        let (program, folder) = (program, folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", Array("secret".utf8))
            let socket = folder.path + "/rest.sock"
            let environment = Self.consent.merging(["AA_KBC_PARAMS": "cc_kbc::\(url)"]) { $1 }
            for (features, token) in [("all", 200), ("resource", 404)] {
                let server = try program.start(
                    ["api-server-rest", "--features", features, "-b", "127.0.0.1:0", "--rest-socket", socket],
                    environment: environment)
                let http = try HTTPClient()
                @Sendable func status(_ path: String) async throws -> Int {
                    try await http.send(HTTPRequest(url: "http://agent\(path)", unixSocket: socket)).status
                }
                try await eventually {
                    try #require(server.isRunning, "\(server.errorText)")
                    return (try? await status("/healthz")) == 200
                }
                #expect(try await status("/cdh/resource/a/b/c") == 200)
                #expect(try await status("/aa/token?token_type=kbs") == token)
                server.signal(SIGTERM)
                #expect(await server.status() == 0)
            }
        }
    }

    @Test("GC 9.A.24: without a broker the attestation-agent starts all the same; what needs one fails")
    func withoutBroker() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let socket = folder.path + "/aa.sock"
        let agent = try program.start(["-a", "unix://\(socket)"], environment: ["CLAVIGER_AGENT_ALLOW_SAMPLE": "1"])
        try await Self.connected(agent, socket) { client async throws in
            let service = "attestation_agent.AttestationAgentService"
            #expect(try await client.call(service, "GetEvidence", payload: [0x0A, 1, 1]).code == 0)
            let token = try await client.call(service, "GetToken", payload: [0x0A, 3] + Array("kbs".utf8))
            #expect(token.message == "[ERROR:attestation-agent] AA-KBC get token failed")
        }
        agent.signal(SIGINT)
        #expect(await agent.status() == 0)
        #expect(agent.errorText.contains("no key broker is configured"))
    }

    @Test("both programs' services share one agent, each switchable, with one attestation")
    func bothFaces() async throws {
        let (program, folder) = (program, folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", Array("secret".utf8))
            let socket = folder.path + "/both.sock"
            let agent = try program.start(
                [
                    "--kbs-url", url, "--rest", "none", "--aa-ttrpc", "unix://\(socket)", "--cdh-ttrpc",
                    "unix://\(socket)",
                ], environment: Self.consent)
            try await Self.connected(agent, socket) { client async throws in
                let token = try await client.call(
                    "attestation_agent.AttestationAgentService", "GetToken", payload: [0x0A, 3] + Array("kbs".utf8))
                #expect(token.code == 0)
                var request = Api_GetResourceRequest()
                request.resourcePath = "kbs:///a/b/c"
                let answer = try await client.call(
                    "api.GetResourceService", "GetResource", payload: request.serializedBytes())
                #expect(answer.code == 0)
            }
            #expect(broker.attestations == 1)
            agent.signal(SIGTERM)
            #expect(await agent.status() == 0)
        }
    }

    @Test(
        "wrong command lines end the program with their status",
        arguments: [
            (["-a", "127.0.0.1:0"], 78), (["-a", "nowhere"], 64), (["-c", "/nonexistent/aa.toml"], 78),
            (["-i", "no base64!", "-a", "unix:///tmp/x.sock"], 64), (["-t", "/nonexistent/initdata.toml"], 78),
            (["confidential-data-hub", "-c", "/nonexistent/cdh.toml"], 78),
            (["confidential-data-hub", "--ttrpc-peer", "root=/x/y"], 64),
            (["api-server-rest", "--features", "everything"], 64),
            (["--attestation_sock", "unix:///nonexistent/aa.sock"], 71),
        ])
    func statuses(arguments: [String], status: Int) async throws {
        try? FileManager.default.removeItem(at: folder)
        let agent = try program.start(arguments, environment: Self.consent)
        #expect(Int(await agent.status()) == status, "\(agent.errorText)")
    }

    @Test("without hardware the reference's names prove nothing in secret: the program ends and says so")
    func noTEE() async throws {
        try? FileManager.default.removeItem(at: folder)
        let agent = try program.start(["confidential-data-hub"])
        #expect(await agent.status() == 69)
    }
}
