import ArgumentParser
import Encodings
import Foundation
import Guest
import GuestTestSupport
import JOSE
import TestPrograms
import Testing

@testable import claviger

private let claviger = BuiltProgram("claviger")

@Suite("secret commands", .timeLimit(.minutes(5)), .enabled(if: claviger != nil, "claviger is not built"))
struct SecretCommandTests {
    private static func run(_ arguments: String...) async throws -> RunningProgram {
        try await #require(claviger).run(["secret"] + arguments)
    }

    private static func write(_ text: String, _ path: String) throws -> String {
        try Data(text.utf8).write(to: URL(filePath: path))
        return path
    }

    @Test("GC 9.D.54: keygen, seal and unseal, end to end")
    func endToEnd() async throws {
        let scratch = try Scratch()
        let path = scratch.path
        let made = try await Self.run("keygen", "--kid", "team", "--output-dir", path)
        #expect(await made.status() == 0, "\(made.errorText)")
        #expect(try scratch.mode("team-private.json") == 0o600)
        let again = try await Self.run("keygen", "--kid", "team", "--output-dir", path)
        #expect(await again.status() == 1)

        let sealed = try await Self.run(
            "seal", "--signing-kid", "kbs:///default/signing-key/team", "--signing-jwk-path",
            path + "/team-private.json",
            "vault", "--resource-uri", "kbs:///a/b/c", "--provider", "kbs")
        #expect(await sealed.status() == 0, "\(sealed.errorText)")
        #expect(sealed.outputText.hasPrefix("sealed.eyJiNjQiOnRydWUsImFsZyI6IkVTMjU2Iiwia2lkIjoi"))
        let file = try Self.write(sealed.outputText, path + "/secret")

        try await FakeKBS.run { broker, url in
            broker.put("a/b/c", Array("plain".utf8))
            broker.put(
                "default/signing-key/team", Array(try Data(contentsOf: URL(filePath: path + "/team-public.json"))))
            func unseal(_ how: String...) async throws -> RunningProgram {
                try await #require(claviger).run(
                    ["secret", "unseal", "--file-path", file, "--allow-sample", "--home", path] + how)
            }
            let opened = try await unseal(
                "--aa-kbc-params", "cc_kbc::\(url)", "--signing-kid", "kbs:///default/signing-key/team")
            #expect(await opened.status() == 0, "\(opened.errorText)")
            #expect(FileManager.default.contents(atPath: file + ".unsealed") == Data("plain".utf8))
            let twice = try await unseal("--url", url, "--key-path", path + "/team-public.json")
            #expect(await twice.status() == 1 && twice.errorText.contains("exists already"))
            try FileManager.default.removeItem(atPath: file + ".unsealed")
            let foreign = try await unseal(
                "--url", url, "--key-path", try Vectors.url("sealed/peerpods-precreated.pub.jwk.json").path)
            #expect(await foreign.status() == 2)
            #expect(await (try unseal("--url", url)).status() == 64)
            #expect(!FileManager.default.fileExists(atPath: file + ".unsealed"))
            let skipping = try await unseal("--url", url, "--skip-verification")
            #expect(await skipping.status() == 0)
        }
        #expect(try scratch.mode("secret.unsealed") == 0o600)
    }

    @Test("an envelope is sealed with a data key that a key service made, and opened with it")
    func envelope() async throws {
        let scratch = try Scratch()
        let path = scratch.path
        let key = try Vectors.url("sealed/test-key.json").path
        _ = try Self.write("the value", path + "/value")
        try Data([UInt8](repeating: 7, count: 32)).write(to: URL(filePath: path + "/data-key"))
        try Data([UInt8](repeating: 8, count: 32)).write(to: URL(filePath: path + "/other-key"))
        try Data([1, 2, 3]).write(to: URL(filePath: path + "/encrypted-key"))
        func seal(_ provider: String) async throws -> RunningProgram {
            try await Self.run(
                "seal", "--signing-kid", "team", "--signing-jwk-path", key, "envelope", "--key-id", "alias/one",
                "--provider",
                provider, "--file-path", path + "/value", "--data-key-file", path + "/data-key", "--encrypted-key-file",
                path + "/encrypted-key", "--provider-settings", #"{"region":"eu-west-1"}"#)
        }
        #expect(await (try seal("kbs")).status() == 1)
        let sealed = try await seal("aws")
        #expect(await sealed.status() == 0, "\(sealed.errorText)")
        let file = try Self.write(sealed.outputText, path + "/secret")
        #expect(!sealed.outputText.contains("value"))
        for (dataKey, status) in [("other-key", 1), ("data-key", 0)] {
            let opened = try await Self.run(
                "unseal", "--file-path", file, "--data-key-file", "\(path)/\(dataKey)", "--key-path", key)
            #expect(Int(await opened.status()) == status, "\(opened.errorText)")
        }
        #expect(FileManager.default.contents(atPath: file + ".unsealed") == Data("the value".utf8))
        let shown = try await Self.run("verify", file, "--key", key, "-o", "json")
        let report = try JSONValue(parsing: Array(shown.outputText.utf8))
        #expect(report["encrypted_key"] == "AQID" && report["provider_settings"]?["region"] == "eu-west-1")
    }

    @Test(
        "GC 9.D.55: verify says what a sealed secret says and whose it is",
        arguments: [
            ("peerpods-precreated.sealed.txt", "peerpods-precreated.pub.jwk.json", Int32(0)),
            ("peerpods-precreated.sealed.txt", "test-key.json", 2), ("vault-kbs.sealed.txt", "test-key.json", 0),
            ("NEG-bad-signature.sealed.txt", "test-key.json", 2),
        ])
    func verify(file: String, key: String, status: Int32) async throws {
        let path = try Vectors.url("sealed/\(file)").path
        let shown = try await Self.run("verify", path, "--key", try Vectors.url("sealed/\(key)").path, "-o", "json")
        #expect(await shown.status() == status, "\(shown.errorText)")
        let report = try JSONValue(parsing: Array(shown.outputText.utf8))
        #expect(report["kid"] == "kbs:///default/signing-key/sealed-secret" && report["type"] == "vault")
        #expect(report["signature"]?.stringValue?.hasPrefix(status == 0 ? "valid" : "not valid") == true)
        let unchecked = try await Self.run("verify", path)
        #expect(await unchecked.status() == 0 && unchecked.outputText.contains("not checked"))
    }

    @Test("what cannot be sealed is refused")
    func refusals() async throws {
        let key = try Vectors.url("sealed/test-key.json").path
        let publicKey = try Vectors.url("sealed/peerpods-precreated.pub.jwk.json").path
        for (key, arguments) in [
            (publicKey, ["--resource-uri", "kbs:///a/b/c"]), (key, ["--resource-uri", "http:///a/b/c"]),
            (key, ["--resource-uri", "kbs:///a/b/c", "--provider", "ehsm"]),
            (key, ["--resource-uri", "kbs:///a/b/c", "--provider", "nope"]),
            (key + "x", ["--resource-uri", "kbs:///a/b/c"]),
            (key, ["--resource-uri", "kbs:///a/b/c", "--annotations", "[]"]),
        ] {
            let sealed = try await #require(claviger).run(
                ["secret", "seal", "--signing-kid", "k", "--signing-jwk-path", key, "vault"] + arguments)
            #expect(await sealed.status() != 0, "\(arguments)")
            #expect(sealed.outputText.isEmpty)
        }
        for kid in ["../x", "", "a/b", ".hidden"] {
            let made = try await Self.run("keygen", "--kid", kid, "--output-dir", "/nonexistent")
            #expect(await made.status() == 64)
        }
    }
}
