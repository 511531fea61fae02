import Foundation
import GuestTestSupport
import HTTPTransport
import TestPrograms
import Testing

@testable import Guest

import struct HTTPTransport.HTTPRequest

private let agentProgram = BuiltProgram("attestation-agent")

/// The program with a configuration file.
@Suite(
    "The configuration file", .timeLimit(.minutes(5)),
    .enabled(if: agentProgram != nil, "attestation-agent is not built"))
struct ConfigurationProgramTests {
    let program: BuiltProgram
    let folder: URL

    init() throws {
        program = try #require(agentProgram)
        folder = FileManager.default.temporaryDirectory.appending(path: "agent-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    private func write(_ text: String) throws -> String {
        let path = folder.appending(path: "agent.toml").path
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    @Test("every option of the command line stands in the configuration file too")
    func options() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let help = try await program.run(["--help"]).outputText
        // Options stand at the beginning of their lines; what explains them may name those of other programs.
        let lines = help.split(separator: "\n").filter { $0.hasPrefix("  -") }
        let words = lines.flatMap { line in
            line.prefix { $0 != "<" }.split { !($0.isLetter || $0.isNumber || $0 == "-" || $0 == "_") }
        }
        let ofReference: Set = ["attestation_sock", "config-file", "initdata-toml", "initdata-digest"]
        let options = Set(words.filter { $0.hasPrefix("--") }.map { String($0.dropFirst(2)) })
            .subtracting(ofReference).subtracting(["config", "help", "version"])
        #expect(options.count > 20)
        #expect(options == AgentFile.options)
    }

    @Test("the file gives what the command line and the environment do not")
    func precedence() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (program, folder) = (program, folder)
        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", [1, 2, 3])
            let file = folder.appending(path: "s/key").path
            let path = try write(
                """
                [broker]
                urls = ["https://127.0.0.1:9"]
                allow_http = true
                [attestation]
                allow_sample = true
                tee_key_algorithm = "RSA-OAEP-256-3072"
                [rest]
                address = "none"
                [files]
                allow_disk = true
                once = true
                [[secret]]
                uri = "kbs:///a/b/c"
                file = "\(file)"
                mode = "0440"
                """)
            let away = try await program.run(["--config", path])
            #expect(await away.status() == 1)
            let agent = try await program.run(["--config", path], environment: ["CLAVIGER_AGENT_KBS_URL": url])
            #expect(await agent.status() == 0, "\(agent.errorText)")
            #expect(FileManager.default.contents(atPath: file) == Data([1, 2, 3]))
            let body = String(decoding: try #require(broker.recorded("attest").first?.body), as: UTF8.self)
            #expect(body.contains("RSA-OAEP-256"))
        }
    }

    @Test("an unknown key ends the program with 78 and is named")
    func unknown() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = try write("[broker]\nurl = \"https://a\"")
        let agent = try await program.run(["--config", path, "--allow-sample"])
        #expect(await agent.status() == 78)
        #expect(agent.errorText.contains("broker.url is no known key"))
    }

    @Test("a changed secret whose notice is exit ends the program with 75")
    func exit() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let (program, folder) = (program, folder)
        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", [1])
            let file = folder.appending(path: "s/key").path
            let path = try write(
                """
                [[secret]]
                uri = "kbs:///a/b/c"
                file = "\(file)"
                refresh_seconds = 1
                exit = true
                """)
            let agent = try program.start([
                "--config", path, "--kbs-url", url, "--allow-http", "--allow-sample", "--allow-disk", "--rest", "none",
            ])
            try await eventually { FileManager.default.contents(atPath: file) == Data([1]) }
            broker.put("a/b/c", [2])
            #expect(await agent.status() == 75)
            #expect(FileManager.default.contents(atPath: file) == Data([2]))
        }
    }
}
