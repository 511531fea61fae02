import Encodings
import Foundation
import GuestTestSupport
import HTTPTransport
import Synchronization
import TestPrograms
import Testing

import struct HTTPTransport.HTTPRequest

/// A folder of secrets, an agent that fills it, and a program that counts the hang-up signals that it gets.
final class Pod: Sendable {
    let port: Int
    private let program: BuiltProgram
    private let folder: URL
    private let http: HTTPClient
    private let running = Mutex<(agent: RunningProgram, application: RunningProgram)?>(nil)

    init(_ program: BuiltProgram) throws {
        self.program = program
        port = try freePort()
        http = try HTTPClient(configuration: .init(systemTrust: false))
        folder = FileManager.default.temporaryDirectory.appending(path: "pod-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    func start() throws {
        let (counter, idFile) = (path("hangups"), path("pid"))
        let application = try RunningProgram(
            "/bin/sh",
            [
                "-c",
                "trap 'echo x >> \(counter)' HUP; echo $$ > \(idFile).new; mv \(idFile).new \(idFile); while :; do sleep 0.05; done",
            ])
        try Data(configuration(idFile).utf8).write(to: URL(filePath: path("agent.toml")))
        let agent = try program.start(["--config", path("agent.toml")])
        running.withLock { $0 = (agent, application) }
    }

    private func configuration(_ idFile: String) -> String {
        """
        [broker]
        urls = ["http://127.0.0.1:\(port)"]
        allow_http = true
        connect_timeout_seconds = 2
        [attestation]
        allow_sample = true
        [rest]
        address = "none"
        socket = "\(path("rest.sock"))"
        [files]
        allow_disk = true
        remove_at_exit = true

        [[secret]]
        uri = "kbs:///app/db/password"
        file = "\(path("secrets/password"))"
        refresh_seconds = 1
        signal = "HUP"
        pid_file = "\(idFile)"

        [[secret]]
        uri = "kbs:///app/db/kept"
        file = "\(path("secrets/kept"))"
        refresh_seconds = 1
        when_refused = "keep"
        """
    }

    /// Waits for a state of things, generously; fails with what the agent logged.
    func reaches(sourceLocation: SourceLocation = #_sourceLocation, _ state: () async throws -> Bool) async throws {
        // A refused secret is asked for again after a minute at the latest, however busy the machine is.
        let deadline = ContinuousClock.now + .seconds(240)
        while try await !state() {
            try #require(.now < deadline, "\(agent()?.errorText ?? "")", sourceLocation: sourceLocation)
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func agent() -> RunningProgram? { running.withLock { $0?.agent } }

    /// The status of a route; 0 when nobody answers.
    func status(_ route: String) async throws -> Int {
        (try? await http.send(HTTPRequest(url: "http://agent\(route)", unixSocket: path("rest.sock"))).status) ?? 0
    }

    /// The JSON object that a route answers with.
    func object(_ route: String) async throws -> JSONObject {
        try JSONObject(
            parsing: try await http.send(HTTPRequest(url: "http://agent\(route)", unixSocket: path("rest.sock"))).body)
    }

    /// The `jti` of the token in use.
    func tokenID() async throws -> String {
        let token = try #require(try await object("/v1/token")["token"]?.stringValue)
        let payload = try Base64.decodeURL(String(token.split(separator: ".")[1]))
        return try #require(try JSONObject(parsing: payload)["jti"]?.stringValue)
    }

    /// The value of a series; 0 when there is none.
    func metric(_ series: String) async throws -> Double {
        let answer = try await http.send(HTTPRequest(url: "http://agent/metrics", unixSocket: path("rest.sock")))
        let line = String(decoding: answer.body, as: UTF8.self).split(separator: "\n").first {
            $0.hasPrefix(series + " ")
        }
        return line.flatMap { Double($0.dropFirst(series.count + 1)) } ?? 0
    }

    func content(_ name: String) -> String? {
        FileManager.default.contents(atPath: path("secrets/\(name)")).map { String(decoding: $0, as: UTF8.self) }
    }

    /// The name of the version in place.
    func version() throws -> String {
        try FileManager.default.destinationOfSymbolicLink(atPath: path("secrets/..data"))
    }

    func names() throws -> [String] { try FileManager.default.contentsOfDirectory(atPath: path("secrets")) }

    /// How many hang-up signals the application got.
    func hangups() -> Int { FileManager.default.contents(atPath: path("hangups"))?.filter { $0 == 10 }.count ?? 0 }

    func remove() {
        running.withLock { $0?.application.signal(SIGKILL) }
        try? FileManager.default.removeItem(at: folder)
    }

    private func path(_ name: String) -> String { folder.appending(path: name).path }
}
