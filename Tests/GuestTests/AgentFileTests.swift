import Encodings
import Foundation
import TestInput
import Testing

@testable import Guest

@Suite("The agent's own configuration")
struct AgentFileTests {
    static let example = """
        [broker]
        urls = ["https://a:8080", "https://b:8080"]
        certificate_file = "/etc/claviger/ca.pem"
        connect_timeout_seconds = 2.5

        [attestation]
        tee_key_algorithm = "ML-KEM-768+A192KW"

        [rest]
        socket = "/run/claviger/agent.sock"
        peers = ["1000=/v1/resources/app/*"]

        [files]
        remove_at_exit = true

        [[secret]]
        uri = "kbs:///app/db/password"
        file = "/run/secrets/db/password"
        mode = "0440"
        uid = 1000
        gid = 1000
        refresh_seconds = 30
        lease_seconds = 3600
        when_refused = "keep"
        signal = "HUP"
        process = "postgres"

        [[secret]]
        uri = "kbs:///app/api/key"
        required = false
        callback = "http://127.0.0.1:9000/reload"
        """

    private static func file(_ text: String) throws -> AgentFile {
        try AgentFile(ConfigurationDocument(text, name: "agent.toml").root)
    }

    @Test("sections stand for options, and secrets say where, whose and for how long")
    func example() throws {
        let file = try Self.file(Self.example)
        #expect(file.values(of: "kbs-url") == ["https://a:8080", "https://b:8080"])
        #expect(file.values(of: "connect-timeout") == ["2.5"] && file.values(of: "remove-at-exit") == ["true"])
        #expect(file.values(of: "tee-key-algorithm") == ["ML-KEM-768+A192KW"] && file.values(of: "rest").isEmpty)
        let (database, api) = (try #require(file.secrets.first), try #require(file.secrets.last))
        #expect(database.file == .init(path: "/run/secrets/db/password", mode: 0o440, user: 1000, group: 1000))
        #expect(database.refresh == 30 && database.lease == 3600 && database.refusal == .keep && database.isRequired)
        #expect(database.notice == .signal(SIGHUP, .name("postgres")))
        #expect(api.file == nil && !api.isRequired && api.refusal == .remove && api.refresh == 60 && api.lease == nil)
        #expect(api.notice == .callback("http://127.0.0.1:9000/reload"))
    }

    @Test("the same sections count inside the files of the reference, below claviger")
    func inside() throws {
        let nested = Self.example.replacing("[[", with: "[[claviger.").replacing("\n[b", with: "\n[claviger.b")
            .replacing("\n[a", with: "\n[claviger.a").replacing("\n[r", with: "\n[claviger.r")
            .replacing("\n[f", with: "\n[claviger.f").replacing("[broker]", with: "[claviger.broker]")
        let text = "[claviger]\nallow_http = true\n" + nested
        let file = try ComponentFile.attestationAgent(ConfigurationDocument(text, name: "aa.toml"))
        #expect(try file.agent == Self.file(Self.example) && file.allowHTTP)
        let hub = try ComponentFile.confidentialDataHub(ConfigurationDocument(text, name: "cdh.toml"))
        #expect(hub.agent == file.agent)
    }

    @Test(
        "what is unknown or makes no sense is an error that names the key",
        arguments: [
            ("[brokr]\n", "brokr is no known section"), ("broker = 1", "broker is no table"),
            ("[broker]\nurl = \"https://a\"", "broker.url is no known key"),
            ("[broker]\nurls = [1]", "broker.urls is no array of texts"),
            ("[files]\nonce = \"yes\"", "files.once is neither"),
            ("[cache]\nseconds = \"1\"", "cache.seconds is no number"),
            ("[log]\nlevel = 3", "log.level is no text"), ("[secret]\nuri = \"kbs:///a/b/c\"", "write [[secret]]"),
            ("[[secret]]\nfile = \"/a/b\"", "secret.uri is missing"),
            ("[[secret]]\nuri = \"http://a/b/c\"", "secret.uri is no resource"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\npath = \"/a/b\"", "secret.path is no known key"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nfile = \"a/b\"", "secret.file"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nfile = \"/b\"", "secret.file"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nfile = \"/a/..data\"", "secret.file"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nfile = \"/a/../b\"", "secret.file"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nfile = \"/a/b\"\nmode = \"0666\"", "secret.mode lets others write"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nfile = \"/a/b\"\nmode = \"rw\"", "secret.mode is no mode"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nmode = \"0400\"", "secret.mode needs a file"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nfile = \"/a/b\"\nuid = -1", "secret.uid"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nfile = \"/a/b\"\nuid = 4294967295", "secret.uid"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nrefresh_seconds = 0.5", "secret.refresh_seconds"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nlease_seconds = 5", "secret.lease_seconds"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nwhen_refused = \"wait\"", "secret.when_refused"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nsignal = \"KILL\"\nprocess = \"x\"", "secret.signal is no signal"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nsignal = \"HUP\"", "secret.signal needs"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\npid_file = \"/x\"", "secret.pid_file needs a signal"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\ncallback = \"http://10.0.0.1/x\"", "secret.callback"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\ncallback = \"http://localhost@evil/x\"", "secret.callback"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\ncallback = \"http://127.0.0.1.evil/x\"", "secret.callback"),
            ("[[secret]]\nuri = \"kbs:///a/b/c\"\nexit = true\ncallback = \"http://[::1]:1/x\"", "exclude each other"),
            (
                "[[secret]]\nuri = \"kbs:///a/b/c\"\nfile = \"/a/b\"\n[[secret]]\nuri = \"kbs:///a/b/d\"\nfile = \"/a/b\"",
                "two secrets have the file /a/b"
            ),
        ])
    func refused(text: String, reason: String) {
        #expect {
            try Self.file(text)
        } throws: {
            guard let error = $0 as? GuestError else { return false }
            return error.code == .invalidRequest && error.message.contains(reason)
        }
    }

    @Test("no text makes the reader do anything but read or refuse")
    func fuzz() {
        var generator = SeededGenerator(seed: 25)
        let original = Array(Self.example.utf8)
        for _ in 0..<3000 {
            var bytes = original
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                let place = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<3, using: &generator) {
                case 0: bytes[place] = UInt8.random(in: 0...255, using: &generator)
                case 1: bytes.removeSubrange(place..<min(place + 9, bytes.count))
                default: bytes.insert(contentsOf: bytes[place..<min(place + 20, bytes.count)], at: 0)
                }
            }
            do {
                _ = try Self.file(String(decoding: bytes, as: UTF8.self))
            } catch {
                #expect(error is GuestError)
            }
        }
    }
}
