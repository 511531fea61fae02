import Encodings
import Foundation
import Guest
import GuestTestSupport
import HTTPTransport
import JOSE
import TestPrograms
import Testing

import struct HTTPTransport.HTTPRequest

@testable import GuestAPI

private let agentProgram = BuiltProgram("attestation-agent")

@Suite(
    "Programs with sealed secrets", .timeLimit(.minutes(5)),
    .enabled(if: agentProgram != nil, "attestation-agent is not built"))
struct SealedProgramTests {
    let program: BuiltProgram
    let folder: URL
    let key: SigningKey
    let keyFile: String
    static let secret = "the plain value"
    /// What weakens a guest counts for exec and init from the command line only.
    static let consent = ["--allow-http", "--allow-sample"]

    init() throws {
        program = try #require(agentProgram)
        folder = FileManager.default.temporaryDirectory.appending(path: "sealed-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        key = try SigningKey.generate(.es256)
        keyFile = folder.path + "/key.json"
        try Data(key.publicJWK.serialized()).write(to: URL(filePath: keyFile))
    }

    private func sealed(_ resource: String = "kbs:///a/b/c", with signer: SigningKey? = nil) throws -> String {
        let secret = SealedSecret(.vault(name: resource), provider: "kbs")
        return try SealedText.seal(secret, keyID: "kbs:///signing/key/1", with: signer ?? key)
    }

    private func settings(_ url: String, _ more: [String: String] = [:]) -> [String: String] {
        [
            "CLAVIGER_AGENT_KBS_URL": url, "CLAVIGER_AGENT_ALLOW_DISK": "1",
            "CLAVIGER_AGENT_SEALED_SIGNING_KEY": keyFile,
        ].merging(more) { $1 }
    }

    /// A broker with the value and what is signed with it, for a test whose folder goes away at the end.
    private func withBroker(_ body: @Sendable @escaping (FakeKBS, String) async throws -> Void) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", Array(Self.secret.utf8))
            try await body(broker, url)
        }
    }

    @Test("GC 9.D.57, 10.2.4: exec starts the program with plain values, and without the agent's settings")
    func exec() async throws {
        try await withBroker { broker, url in
            let environment = settings(
                url, ["KEY": try sealed(), "OTHER": "a=b", "URI": "kbs:///a/b/c", "SSLKEYLOGFILE": "/tmp/x"])
            let child = try await program.run(
                ["exec"] + Self.consent + ["--", "/usr/bin/env"], environment: environment)
            #expect(await child.status() == 0, "\(child.errorText)")
            let lines = Set(child.outputText.split(separator: "\n").map(String.init))
            #expect(
                lines.isSuperset(of: ["KEY=\(Self.secret)", "OTHER=a=b", "URI=kbs:///a/b/c", "SSLKEYLOGFILE=/tmp/x"]))
            #expect(!lines.contains { $0.hasPrefix("CLAVIGER_AGENT_") })
            #expect(!child.errorText.contains(Self.secret))
            #expect(broker.attestations == 1)

            let resolving = try await program.run(
                ["exec"] + Self.consent + ["--resolve-resources", "--", "sh", "-c", #"printf %s "$URI"; exit 7"#],
                environment: environment)
            #expect(await resolving.status() == 7)
            #expect(resolving.outputText == Self.secret)
        }
    }

    @Test("10.2.4: the program inherits what the agent was given, and nothing that the agent opened or changed")
    func inheritance() async throws {
        try await withBroker { broker, url in
            let environment = settings(url, ["KEY": try sealed()])
            func output(_ command: String) async throws -> String {
                let child = try await program.run(
                    ["exec"] + Self.consent + ["--", "sh", "-c", command], environment: environment)
                return child.outputText
            }
            // The fourth is what ls reads the folder with.
            #expect(try await output("ls /proc/self/fd") == "0\n1\n2\n3\n")
            #expect(try await output("umask") == "0022\n")
            let question = ["-E", "^Sig(Blk|Ign|Cgt)", "/proc/self/status"]
            let mask = try await program.run(
                ["exec"] + Self.consent + ["--", "grep"] + question, environment: environment)
            let direct = try RunningProgram("/bin/grep", question)
            #expect(await direct.status() == 0)
            #expect(mask.outputText == direct.outputText)
            // What a supervisor hands down stays: a descriptor, an ignored signal.
            func handed(_ wrapper: String) async throws -> String {
                let script =
                    "trap '' PIPE; exec 7</dev/null; exec \(wrapper) sh -c 'ls /proc/self/fd; grep ^SigIgn /proc/self/status'"
                let shell = try RunningProgram("/bin/sh", ["-c", script, program.path], environment: environment)
                #expect(await shell.status() == 0, "\(shell.errorText)")
                return shell.outputText
            }
            let expected = try await handed("")
            #expect(expected.hasPrefix("0\n1\n2\n3\n7\nSigIgn:") && expected.hasSuffix("1000\n"))
            #expect(try await handed("\"$0\" exec --allow-http --allow-sample --") == expected)
        }
    }

    @Test("10.1.4: when a variable cannot be opened the program does not start; the variable is named, no value is")
    func refusal() async throws {
        try await withBroker { broker, url in
            broker.script("resource/a/b/denied", .denied)
            let marker = folder.path + "/started"
            let stranger = try SigningKey.generate(.es256)
            for (name, value) in [
                ("DENIED", try sealed("kbs:///a/b/denied")), ("GONE", try sealed("kbs:///a/b/gone")),
                ("STRANGER", try sealed(with: stranger)), ("GARBLED", "sealed.x"),
            ] {
                let child = try await program.run(
                    ["exec"] + Self.consent + ["--", "touch", marker],
                    environment: settings(url, [name: value, "GOOD": try sealed()]))
                #expect(await child.status() == 125, "\(name)")
                #expect(child.errorText.contains("the variable \(name) cannot be opened"))
                #expect(!child.errorText.contains("GOOD") && !child.errorText.contains("eyJ"))
                #expect(!child.errorText.contains(Self.secret))
                #expect(!FileManager.default.fileExists(atPath: marker))
            }
            #expect(broker.attestations == 4)
        }
    }

    @Test("exec says what is wrong with the program: 127 not found, 126 not to be started")
    func programs() async throws {
        try await withBroker { _, url in
            for (name, status) in [("no-such-program", 127), ("/no/such/program", 127), ("/etc", 126), (keyFile, 126)] {
                let child = try await program.run(["exec"] + Self.consent + ["--", name], environment: settings(url))
                #expect(Int(await child.status()) == status, "\(name)")
            }
        }
    }

    @Test("exec waits for a broker that is away, as long as it was told to")
    func waiting() async throws {
        try await withBroker { broker, url in
            broker.script("auth", .init(503))
            let environment = settings(url, ["KEY": try sealed()])
            let impatient = try await program.run(
                ["exec"] + Self.consent + ["--wait", "0", "--", "true"], environment: environment)
            #expect(await impatient.status() == 125)
            let patient = try program.start(
                ["exec"] + Self.consent + ["--", "sh", "-c", #"printf %s "$KEY""#], environment: environment)
            let before = broker.recorded("auth").count
            try await eventually { broker.recorded("auth").count > before + 1 }
            #expect(patient.isRunning)
            broker.endScript("auth")
            #expect(await patient.status() == 0, "\(patient.errorText)")
            #expect(patient.outputText == Self.secret)
        }
    }

    @Test("10.2.4: init writes the files of --project and --unseal, or ends with 1 and says which is missing")
    func initialisation() async throws {
        try await withBroker { broker, url in
            broker.script("resource/a/b/denied", .denied)
            let path = folder.path
            try Data((try sealed() + "\n").utf8).write(to: URL(filePath: path + "/one"))
            try Data((try sealed("kbs:///a/b/denied")).utf8).write(to: URL(filePath: path + "/two"))
            let good = try await program.run(
                ["init"] + Self.consent + [
                    "--project", "kbs:///a/b/c=\(path)/c", "--unseal", "\(path)/one=\(path)/one.plain",
                ],
                environment: settings(url))
            #expect(await good.status() == 0, "\(good.errorText)")
            for file in ["/c", "/one.plain"] {
                #expect(FileManager.default.contents(atPath: path + file) == Data(Self.secret.utf8))
            }
            let bad = try await program.run(
                ["init"] + Self.consent + ["--unseal", "\(path)/two=\(path)/two.plain"], environment: settings(url))
            #expect(await bad.status() == 1)
            #expect(bad.errorText.contains("two.plain is not written") && bad.errorText.contains("0193-deny"))
            #expect(!FileManager.default.fileExists(atPath: path + "/two.plain"))
            let nothing = try await program.run(["init"] + Self.consent, environment: settings(url))
            #expect(await nothing.status() == 64)
        }
    }

    @Test("10.2.6: wait ends when the agent is ready, its unsealed files included; else with 1")
    func readiness() async throws {
        try await withBroker { broker, url in
            let socket = folder.path + "/rest.sock"
            let waiting = ["wait", "--unix-socket", socket, "http://agent/readyz"]
            let early = try await program.run(waiting + ["--timeout", "0.1"])
            #expect(await early.status() == 1)
            let patient = try program.start(waiting)
            broker.script("resource/a/b/c", .init(503))
            try Data((try sealed()).utf8).write(to: URL(filePath: folder.path + "/one"))
            let agent = try program.start(
                [
                    "--rest", "none", "--rest-socket", socket, "--unseal",
                    "\(folder.path)/one=\(folder.path)/one.plain", "--remove-at-exit",
                ] + Self.consent, environment: settings(url))
            try await eventually { !broker.recorded("resource/a/b/c").isEmpty }
            let late = try await program.run(waiting + ["--timeout", "0.5"])
            #expect(await late.status() == 1)
            #expect(late.errorText.contains("503"))
            broker.endScript("resource/a/b/c")
            #expect(await patient.status() == 0)
            #expect(FileManager.default.fileExists(atPath: folder.path + "/one.plain"))
            agent.signal(SIGTERM)
            #expect(await agent.status() == 0)
            #expect(!FileManager.default.fileExists(atPath: folder.path + "/one.plain"))
        }
    }

    @Test(
        "in place of confidential-data-hub any named key counts, with a warning, until keys are pinned or nothing is verified"
    )
    func hub() async throws {
        let (attacker, jwk) = (try SigningKey.generate(.es256), key.publicJWK.serialized())
        try await withBroker { broker, url in
            broker.put("signing/key/1", jwk)
            let socket = folder.path + "/cdh.sock"
            let file = folder.path + "/cdh.toml"
            let text = "socket = \"unix://\(socket)\"\n[kbc]\nname = \"cc_kbc\"\nurl = \"\(url)\"\n"
            let skipping = "skip_sealed_secret_verification = true\n"
            let kid = "CLAVIGER_AGENT_SEALED_SIGNING_KID"
            func opened(_ configuration: String, _ more: [String: String]) async throws -> (
                own: Bool, foreign: Bool, log: String
            ) {
                try Data(configuration.utf8).write(to: URL(filePath: file))
                let hub = try program.start(
                    ["confidential-data-hub", "-c", file], environment: KataCommandTests.consent.merging(more) { $1 })
                var results: [Bool] = []
                try await KataCommandTests.connected(hub, socket) { client async throws in
                    for signer in [key, attacker] {
                        var request = Api_UnsealSecretInput()
                        request.secret = Data(try sealed(with: signer).utf8)
                        let answer = try await client.call(
                            "api.SealedSecretService", "UnsealSecret", payload: request.serializedBytes())
                        results.append(answer.code == 0)
                    }
                }
                hub.signal(SIGTERM)
                _ = await hub.status()
                return (results[0], results[1], hub.errorText)
            }
            let standard = try await opened(text, [:])
            #expect(standard.own && !standard.foreign && standard.log.contains("any key that they name"))
            let pinned = try await opened(text, [kid: "kbs:///other/key/1"])
            #expect(!pinned.own && !pinned.foreign && !pinned.log.contains("any key that they name"))
            let allowed = try await opened(text, [kid: "kbs:///signing/key/1"])
            #expect(allowed.own && !allowed.foreign)
            let skipped = try await opened(skipping + text, [:])
            #expect(skipped.own && skipped.foreign && skipped.log.contains("not verified"))
            let variable = try await opened(text, ["SKIP_SEALED_SECRET_VERIFICATION": "true"])
            #expect(variable.own && variable.foreign)
            let almost = try await opened(text, ["SKIP_SEALED_SECRET_VERIFICATION": "TRUE"])
            #expect(almost.own && !almost.foreign)
        }
    }

    @Test(
        "wrong settings end the program with their status",
        arguments: [
            (["exec"], 64), (["exec", "--wait", "-1", "--", "true"], 64), (["exec", "true"], 64),
            (["exec", "--sealed-signing-kid", "http://x/a", "--", "true"], 78),
            (["exec", "--sealed-signing-key", "/nonexistent", "--", "true"], 78),
            (["init", "--unseal", "x"], 78), (["wait", "--timeout", "x"], 64),
        ])
    func statuses(arguments: [String], status: Int) async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        var environment = settings("http://127.0.0.1:9")
        environment["CLAVIGER_AGENT_SEALED_SIGNING_KEY"] = nil
        let agent = try await program.run(arguments, environment: environment)
        #expect(Int(await agent.status()) == status, "\(agent.errorText)")
    }

    @Test("keys that are pinned and a verification that is switched off do not go together")
    func contradiction() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let pinned = settings("http://127.0.0.1:9")
        let skipping = pinned.merging(["SKIP_SEALED_SECRET_VERIFICATION": "true"]) { $1 }
        let hub = try await program.run(["confidential-data-hub"] + Self.consent, environment: skipping)
        #expect(await hub.status() == 78)
        let accepting = ["exec", "--sealed-accept-any-signing-key"] + Self.consent + ["--", "true"]
        let agent = try await program.run(accepting, environment: pinned)
        #expect(await agent.status() == 78)
    }

    @Test("A57: variables, which others may write, do not switch off what protects the program that exec starts")
    func weakeningVariables() async throws {
        try await withBroker { broker, url in
            let stranger = try SigningKey.generate(.es256)
            broker.put("signing/key/1", stranger.publicJWK.serialized())
            let sealed = try sealed(with: stranger)
            func status(_ arguments: [String], _ variables: [String: String], pinned: Bool = true) async throws -> Int {
                var environment = settings(url, ["KEY": sealed].merging(variables) { $1 })
                if !pinned { environment["CLAVIGER_AGENT_SEALED_SIGNING_KEY"] = nil }
                let child = try await program.run(["exec"] + arguments + ["--", "true"], environment: environment)
                return Int(await child.status())
            }
            let skip = ["SKIP_SEALED_SECRET_VERIFICATION": "true"]
            let accept = ["CLAVIGER_AGENT_SEALED_ACCEPT_ANY_SIGNING_KEY": "1"]
            #expect(try await status(Self.consent, skip) == 125)
            #expect(try await status(Self.consent, accept) == 125)
            #expect(try await status(Self.consent, skip.merging(accept) { $1 }, pinned: false) == 125)
            let asked = Self.consent + ["--sealed-accept-any-signing-key"]
            #expect(try await status(asked, [:], pinned: false) == 0)
            #expect(try await status(["--allow-http"], ["CLAVIGER_AGENT_ALLOW_SAMPLE": "1"]) == 69)
            let plainHTTP = ["--allow-sample", "--sealed-accept-any-signing-key"]
            #expect(try await status(plainHTTP, ["CLAVIGER_AGENT_ALLOW_HTTP": "1"], pinned: false) != 0)
        }
    }

    @Test("A57: a file that a variable names has no more to say to exec and init than a variable")
    func weakeningFile() async throws {
        try await withBroker { broker, url in
            let file = folder.appending(path: "agent.toml").path
            let environment = settings(url, ["KEY": try sealed(), "CLAVIGER_AGENT_CONFIG": file])
            func status(_ text: String, _ arguments: [String]) async throws -> (Int32, String) {
                try Data(text.utf8).write(to: URL(filePath: file))
                let child = try await program.run(arguments, environment: environment)
                return (await child.status(), child.errorText)
            }
            let weak = "[attestation]\nallow_sample = true\n[broker]\nallow_http = true\n"
            let refused = try await status(weak, ["exec", "--", "true"])
            #expect(refused.0 == 78 && refused.1.contains("allow-http, allow-sample"), "\(refused.1)")
            let accepting = "[sealed]\naccept_any_signing_key = true\n"
            let credulous = try await status(accepting, ["exec"] + Self.consent + ["--", "true"])
            #expect(
                credulous.0 == 78 && credulous.1.contains("may not set sealed-accept-any-signing-key"), "\(credulous.1)"
            )
            let substituted = try await status(
                "[offline]\nresources = [\"\(folder.path)\"]\n", ["exec"] + Self.consent + ["--", "true"])
            #expect(substituted.0 == 78 && substituted.1.contains("offline-resources"), "\(substituted.1)")
            #expect(try await status(weak, ["init", "--project", "kbs:///a/b/c=/dev/shm/x"]).0 == 78)
            // The same file counts where the command line names it, and so does a harmless one from the environment.
            #expect(try await status(weak, ["exec", "--config", file, "--", "true"]).0 == 0)
            let harmless = "[log]\nlevel = \"error\"\n[attestation]\nallow_sample = false\n"
            #expect(try await status(harmless, ["exec"] + Self.consent + ["--", "true"]).0 == 0)
        }
    }
}
