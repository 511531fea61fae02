import Foundation
import GuestTestSupport
import HTTPTransport
import TestPrograms
import Testing

import struct HTTPTransport.HTTPRequest

private let agentProgram = BuiltProgram("attestation-agent")

@Suite("The program", .timeLimit(.minutes(5)), .enabled(if: agentProgram != nil, "attestation-agent is not built"))
struct ProgramTests {
    let program: BuiltProgram
    let folder: URL

    init() throws {
        program = try #require(agentProgram)
        let parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : NSTemporaryDirectory()
        folder = URL(filePath: parent).appending(path: "agent-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    @Test("SIGTERM ends the agent within a second, even with a request under way, and removes its files")
    func sigterm() async throws {
        let (program, folder) = (program, folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", [1, 2, 3])
            let socket = folder.appending(path: "rest.sock").path
            let file = folder.appending(path: "key").path
            let agent = try program.start(
                [
                    "--kbs-url", url, "--allow-http", "--allow-sample", "--rest", "none", "--rest-socket", socket,
                    "--keyprovider", "unix:\(folder.path)/kp.sock", "--project", "kbs:///a/b/c=\(file)", "--allow-disk",
                    "--remove-at-exit",
                ])
            let http = try HTTPClient()
            let ready = HTTPRequest(url: "http://agent/readyz", unixSocket: socket)
            try await eventually { (try? await http.send(ready))?.status == 200 }
            #expect(FileManager.default.contents(atPath: file) == Data([1, 2, 3]))
            #expect(FileManager.default.fileExists(atPath: folder.path + "/kp.sock"))

            broker.silence("resource/a/b/slow")
            let open = Task {
                try await http.send(
                    HTTPRequest(
                        url: "http://agent/cdh/resource/a/b/slow", timeout: .seconds(600), unixSocket: socket))
            }
            try await eventually { !broker.recorded("resource/a/b/slow").isEmpty }
            let clock = ContinuousClock()
            let start = clock.now
            agent.signal(SIGTERM)
            let status = await agent.status()
            #expect(start.duration(to: clock.now) < .seconds(120))
            #expect(status == 0)
            #expect(!FileManager.default.fileExists(atPath: file))
            await #expect(throws: HTTPTransportError.self) { try await open.value }
        }
    }

    @Test(
        "A45: /metrics counts attestations, failures and cache hits, shows insecure modes, and names no resource; sockets are born closed"
    )
    func metrics() async throws {
        let (program, folder) = (program, folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await FakeKBS.run { broker, url in
            broker.put("tenant-x/type-y/tag-z", Array("s3cret".utf8))
            broker.script("resource/tenant-x/type-y/denied", .denied)
            let socket = folder.appending(path: "rest.sock").path
            let agent = try program.start(
                ["--kbs-url", url, "--allow-http", "--allow-sample", "--rest", "none", "--rest-socket", socket])
            defer { agent.signal(SIGTERM) }
            let http = try HTTPClient()
            @Sendable func get(_ path: String) async throws -> (Int, String) {
                let answer = try await http.send(HTTPRequest(url: "http://agent\(path)", unixSocket: socket))
                return (answer.status, String(decoding: answer.body, as: UTF8.self))
            }
            try await eventually { (try? await get("/healthz"))?.0 == 200 }
            let before = try await get("/metrics").1
            #expect(before.contains("claviger_agent_attestations_total 0\n"))
            #expect(before.contains("claviger_agent_token_present 0\n"))
            // A45: the modes that weaken it are seen from outside, and said at the start.
            for mode in ["sample-evidence", "plaintext"] {
                #expect(before.contains("claviger_agent_insecure_mode{mode=\"\(mode)\"} 1\n"))
                #expect(agent.errorText.split(separator: "\n").contains { $0.contains("warning") && $0.contains(mode) })
            }
            #expect(!before.contains("offline-resources") && !before.contains("secrets-on-disk"))

            for _ in 0..<3 { #expect(try await get("/cdh/resource/tenant-x/type-y/tag-z").1 == "s3cret") }
            #expect(try await get("/v1/resource/tenant-x/type-y/denied").0 == 403)
            let text = try await get("/metrics").1
            for line in [
                "# TYPE claviger_agent_attestations_total counter", "claviger_agent_attestations_total 1",
                "claviger_agent_cache_hits_total 2", "claviger_agent_cache_misses_total 2",
                "claviger_agent_token_present 1", #"claviger_agent_last_error{code="denied"} 1"#,
            ] {
                #expect(text.contains(line + "\n"), "\(line) is missing in \(text)")
            }
            #expect(text.contains("claviger_agent_token_age_seconds "))
            for leak in ["tenant-x", "type-y", "tag-z", "s3cret", "0193-deny"] { #expect(!text.contains(leak)) }

            broker.revokeTokens()
            broker.script("attest", .error(401, .attestationError, "no (code: x)"))
            #expect(try await get("/v1/resource/tenant-x/type-y/other").0 == 403)
            let after = try await get("/metrics").1
            #expect(after.contains(#"claviger_agent_attestation_failures_total{code="attestation_failed"} 1"#))
            #expect(after.contains(#"claviger_agent_last_error{code="attestation_failed"} 1"#))
            #expect(after.contains(#"claviger_agent_last_error{code="denied"} 0"#))
            #expect(after.contains("claviger_agent_token_present 0\n"))

            let status = try String(contentsOfFile: "/proc/\(try #require(agent.id))/status", encoding: .utf8)
            #expect(status.contains("Umask:\t0077"))
        }
    }

    @Test("A52: the environment cannot make the agent write its TLS session keys to a file")
    func keyLog() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let log = folder.appending(path: "keys").path
        let agent = try program.start(
            [
                "--kbs-url", "https://127.0.0.1:9", "--allow-sample", "--once", "--project",
                "kbs:///a/b/c=\(folder.path)/key",
            ], environment: ["SSLKEYLOGFILE": log])
        #expect(await agent.status() == 1)
        #expect(!FileManager.default.fileExists(atPath: log))
    }

    @Test("probe ends with 0 on 200, else with 1 and the reason")
    func probe() async throws {
        let (program, folder) = (program, folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await FakeKBS.run { broker, url in
            broker.script("resource/a/b/c", .init(200))
            broker.script("resource/a/b/sick", .init(503))
            let healthy = try program.start(["probe", "--timeout", "300", url + "/kbs/v0/resource/a/b/c"])
            #expect(await healthy.status() == 0)
            let sick = try program.start(["probe", "--timeout", "300", url + "/kbs/v0/resource/a/b/sick"])
            #expect(await sick.status() == 1)
            #expect(sick.errorText.contains("answers 503"))
            let silent = try program.start(["probe", "http://x/", "--unix-socket", folder.path + "/none.sock"])
            #expect(await silent.status() == 1)
            let noAuthorities = try program.start(
                ["probe", "https://127.0.0.1:9/", "--ca", folder.path + "/none.pem"])
            #expect(await noAuthorities.status() == 1)
        }
    }

    @Test("an address that cannot be bound decides the status, also while the broker keeps the agent waiting")
    func statusWhileWaiting() async throws {
        let (program, folder) = (program, folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await FakeKBS.run { broker, url in
            broker.silence("auth")
            let agent = try program.start(
                [
                    "--kbs-url", url, "--allow-http", "--allow-sample", "--rest", "none", "--rest-socket",
                    "/nonexistent/a.sock", "--project", "kbs:///a/b/c=\(folder.path)/key", "--allow-disk",
                ])
            #expect(await agent.status() == 71)
        }
    }

    @Test("--once writes the files and ends with 0, or with 1 and the reason")
    func once() async throws {
        let (program, folder) = (program, folder)
        defer { try? FileManager.default.removeItem(at: folder) }
        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", [1, 2, 3])
            broker.script("resource/a/b/denied", .denied)
            let settings = [
                "CLAVIGER_AGENT_KBS_URL": url, "CLAVIGER_AGENT_ALLOW_HTTP": "true",
                "CLAVIGER_AGENT_ALLOW_SAMPLE": "1", "CLAVIGER_AGENT_ALLOW_DISK": "yes",
            ]
            let file = folder.appending(path: "key").path
            let good = try program.start(["--once", "--project", "kbs:///a/b/c=\(file)"], environment: settings)
            #expect(await good.status() == 0)
            #expect(FileManager.default.contents(atPath: file) == Data([1, 2, 3]))

            let denied = try program.start(
                ["--once", "--project", "kbs:///a/b/denied=\(file)2"], environment: settings)
            #expect(await denied.status() == 1)
            #expect(denied.errorText.contains("claviger explain 0193-deny"))
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["key"])
        }
    }

    @Test(
        "wrong settings end the program with their status",
        arguments: [
            ([], 64), (["--kbs-url", "https://x", "--once"], 64),
            (["--kbs-url", "https://x", "--rest", "nowhere"], 64),
            (["--kbs-url", "https://x", "--allow-sample", "--kbs-cert", "/nonexistent"], 78),
            (["--kbs-url", "https://x", "--allow-sample", "--keyprovider", "0.0.0.0:0"], 78),
            (
                ["--kbs-url", "https://x", "--allow-sample", "--rest", "none", "--rest-socket", "/nonexistent/a.sock"],
                71
            ),
        ])
    func statuses(arguments: [String], status: Int) async throws {
        try? FileManager.default.removeItem(at: folder)
        let agent = try program.start(arguments)
        #expect(Int(await agent.status()) == status)
    }

    @Test("without a TEE and without --allow-sample the program ends with 69 and names what is missing")
    func noTEE() async throws {
        try? FileManager.default.removeItem(at: folder)
        let agent = try program.start(["--kbs-url", "https://x", "--rest", "none"])
        #expect(await agent.status() == 69)
        #expect(agent.errorText.contains("--allow-sample") || agent.errorText.contains("cannot collect"))
    }
}
