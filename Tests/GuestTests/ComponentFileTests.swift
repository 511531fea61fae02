import Foundation
import JOSE
import Testing

@testable import Guest

@Suite("Configuration files of the guest components")
struct ComponentFileTests {
    private static func agentFile(_ name: String) throws -> ComponentFile {
        try ComponentFile.attestationAgent(path: Vectors.url("aa-config/\(name)").path)
    }

    private static func hubFile(_ name: String) throws -> ComponentFile {
        try ComponentFile.confidentialDataHub(path: Vectors.url("cdh-config/\(name)").path)
    }

    @Test("GC 9.A.1: the example reads the same as TOML and as JSON")
    func examples() throws {
        var toml = try Self.agentFile("config.example.toml")
        let json = try Self.agentFile("config.example.json")
        #expect(toml.kbsURL == "https://127.0.0.1:8080" && toml.keyKind == .ecP256)
        #expect(toml.trustAnchorsPEM?.contains("BEGIN CERTIFICATE") == true)
        toml.trustAnchorsPEM = json.trustAnchorsPEM
        #expect(toml == json)
    }

    @Test("GC 9.A.2: an empty file means the defaults")
    func empty() throws {
        let file = try ComponentFile.attestationAgent(ConfigurationDocument("", name: "aa.toml"))
        #expect(file == ComponentFile())
        #expect(file.eventLogRegister == 17 && !file.eventLogIsWanted && file.logLevel == "info" && file.kbsURL == nil)
        #expect(try Self.agentFile("config5.toml").kbsURL == nil)
        #expect(try Self.agentFile("config6.toml") == ComponentFile())
    }

    @Test(
        "GC 9.A.3: broker and attestation service are given both, one of them, or neither",
        arguments: ["config1.toml", "config2.toml", "config3.toml", "config4.toml", "config5.toml", "config6.toml"])
    func parts(name: String) throws {
        let file = try Self.agentFile(name)
        let text = try Vectors.text("aa-config/\(name)")
        #expect((file.kbsURL != nil) == text.contains("[token_configs.kbs]"))
        #expect((file.trustAnchorsPEM != nil) == text.contains("\ncert"))
        #expect(file.logLevel == (text.contains("\"warn\"") ? "warn" : "info"))
    }

    @Test(
        "GC 9.A.4: the TEE key's algorithm is one of the known ones",
        arguments: ["ECDH-ES+A256KW-P256", "ECDH-ES+A256KW-P521", "RSA-OAEP-256"])
    func algorithms(name: String) throws {
        func file(_ algorithm: String) throws -> ComponentFile {
            let text = "[token_configs.kbs]\nurl = \"https://x\"\ntee_key_algorithm = \"\(algorithm)\""
            return try ComponentFile.attestationAgent(ConfigurationDocument(text, name: "aa.toml"))
        }
        #expect(try file(name).keyKind.rawValue == name)
        #expect { try file("RSA1_5") } throws: {
            ($0 as? GuestError)?.message.contains("token_configs.kbs.tee_key_algorithm") == true
        }
    }

    @Test("GC 9.A.5: broker parameters are cc_kbc and an address, from the environment or else the kernel")
    func parameters() throws {
        #expect(try KBCParameters("cc_kbc::https://a:1").url == "https://a:1")
        #expect(try KBCParameters("offline_fs_kbc::").url == nil)
        for text in ["", "cc_kbc", "cc_kbc::", "cc_kbc::a::b", "eaa_kbc::https://a", "::https://a"] {
            #expect(throws: GuestError.self, "\(text)") { try KBCParameters(text) }
        }
        let kernel = KernelCommandLine("quiet root=\"a b\" agent.aa_kbc_params=cc_kbc::http://k:8080 ro\n")
        #expect(kernel.value(of: "root") == "a b" && kernel.value(of: "quiet") == nil)
        #expect(try KBCParameters.find(environment: [:], kernel: kernel)?.url == "http://k:8080")
        let environment = ["AA_KBC_PARAMS": "cc_kbc::http://e"]
        #expect(try KBCParameters.find(environment: environment, kernel: kernel)?.url == "http://e")
        #expect(try KBCParameters.find(environment: [:], kernel: KernelCommandLine("")) == nil)
    }

    @Test("GC 9.C.41: a confidential-data-hub's file reads as TOML and as JSON, whole or short")
    func hub() throws {
        let toml = try Self.hubFile("example.config.toml")
        #expect(toml.kbsURL == "http://example.io:8080")
        #expect(toml.socket == "unix:///run/confidential-containers/cdh.sock")
        #expect(toml.trustAnchorsPEM?.contains("BEGIN CERTIFICATE") == true)
        #expect(toml.credentials.map(\.uri.path) == ["default/aliyun/ecs_ram_role", "default/test/file"])
        #expect(try Self.hubFile("example.config.json").socket == toml.socket)
        let short = try Self.hubFile("cdh.toml")
        #expect(short.kbsURL == nil && short.credentials.isEmpty)
    }

    @Test(
        "GC 9.C.43: credentials are written below the hub's folder and nowhere else",
        arguments: [
            "/etc/config.toml", "/run/confidential-containers/cdh/kbs/../x", "/run/confidential-containers/cdh/kbs/./x",
            "/run/confidential-containers/cdh/kbs/", "/run/confidential-containers/cdh/kbsx/a", "relative", "",
        ])
    func credentialPaths(path: String) throws {
        #expect(throws: GuestError.self) { try CredentialFolder.target(uri: "kbs:///a/b/c", path: path) }
        let plain = "/run/confidential-containers/cdh/kbs/a"
        #expect(try CredentialFolder.target(uri: "kbs:///a/b/c", path: plain).path == plain)
        #expect(throws: GuestError.self) { try CredentialFolder.target(uri: "http:///a/b/c", path: plain) }
    }

    @Test(
        "what does not fit is refused, and file and key are named",
        arguments: [
            ("token_configs = 1", "token_configs is no table"), ("[log]\nlevel = 3", "log.level is no text"),
            ("[eventlog_config]\nenable_eventlog = \"yes\"", "eventlog_config.enable_eventlog is neither"),
            ("[claviger]\nallow_http = 1", "claviger.allow_http is neither"), ("= 1", "(line 1)"),
        ])
    func refused(text: String, reason: String) {
        #expect {
            try ComponentFile.attestationAgent(ConfigurationDocument(text, name: "/x/aa.toml"))
        } throws: {
            guard let error = $0 as? GuestError else { return false }
            return error.code == .invalidRequest && error.message.contains(reason)
                && error.message.contains("/x/aa.toml")
        }
    }

    @Test("switches that weaken the agent are off until the file says otherwise")
    func switches() throws {
        #expect(try !Self.agentFile("config1.toml").allowHTTP && !Self.hubFile("cdh.toml").allowSample)
        let text = "[claviger]\nallow_http = true\nallow_sample = true"
        let file = try ComponentFile.confidentialDataHub(ConfigurationDocument(text, name: "cdh.toml"))
        #expect(file.allowHTTP && file.allowSample)
    }

    @Test("measured init-data: the hub's file comes before the agent's, and none is none")
    func measured() throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "measured-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        #expect(try ComponentFile.measured(in: folder.path) == nil)
        try Data("[token_configs.kbs]\nurl = \"https://a\"".utf8).write(to: folder.appending(path: "aa.toml"))
        #expect(try ComponentFile.measured(in: folder.path)?.kbsURL == "https://a")
        try Data("[kbc]\nname = \"cc_kbc\"\nurl = \"https://c\"".utf8).write(to: folder.appending(path: "cdh.toml"))
        #expect(try ComponentFile.measured(in: folder.path)?.kbsURL == "https://c")
    }
}
