import ArgumentParser
import Foundation
import Testing

@testable import claviger

@Suite("arguments")
struct ArgumentTests {
    @Test("policies are named with and without a namespace")
    func policyNames() throws {
        let release = try #require(PolicyName(argument: "ReleasePolicy/payments/image-keys"))
        #expect((release.kind, release.namespace, release.name) == ("ReleasePolicy", "payments", "image-keys"))
        for text in ["AppraisalPolicy/default-cpu", "AppraisalPolicy/-/default-cpu"] {
            let appraisal = try #require(PolicyName(argument: text))
            #expect((appraisal.kind, appraisal.namespace, appraisal.name) == ("AppraisalPolicy", nil, "default-cpu"))
        }
        for text in ["", "a", "a/b/c/d", "a//c", "/b"] { #expect(PolicyName(argument: text) == nil) }
    }

    @Test("resources are named with and without kbs:///")
    func resources() throws {
        #expect(ResourceArgument(argument: "a/b/c")?.uri == "kbs:///a/b/c")
        #expect(ResourceArgument(argument: "kbs:///a/b/c")?.uri == "kbs:///a/b/c")
        for text in ["", "a/b", "a/b/c/d", "a/../c", "kbs://host/a/b/c"] {
            #expect(ResourceArgument(argument: text) == nil)
        }
    }

    @Test("evidence has the events that an agent of this guest measured")
    func agentEvents() throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "events-\(UUID().uuidString)").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let settings = try GuestOptions.parse(["--allow-sample"]).settings(["AAEL_PATH": path])
        #expect(settings.allowSample)
        #expect(try settings.agentEvents() == [])
        try Data([1, 2, 3]).write(to: URL(filePath: path))
        #expect(try settings.agentEvents() == [1, 2, 3])
    }

    @Test("lengths of time have a unit")
    func durations() {
        #expect(DurationArgument(argument: "90s")?.duration == .seconds(90))
        #expect(DurationArgument(argument: "15m")?.duration == .seconds(900))
        #expect(DurationArgument(argument: "8h")?.duration == .seconds(28_800))
        #expect(DurationArgument(argument: "1d")?.defaultValueDescription == "24h")
        for text in ["", "1", "h", "-1h", "0s", "1w", "99999999d"] { #expect(DurationArgument(argument: text) == nil) }
    }

    @Test("options come before the state folder, and its secrets stay with its own broker")
    func endpoint() throws {
        let folder = try Scratch()
        let context = BrokerContext(url: "https://localhost:1", caFile: "/ca", tokenFile: "/token", home: folder.path)
        try PrivateFile.create("\(folder.path)/context.json", context.serialized())
        let own = try BrokerOptions.parse(["--home", folder.path]).endpoint()
        #expect((own.url, own.caFile, own.tokenFile) == ("https://localhost:1", "/ca", "/token"))
        let other = try BrokerOptions.parse(["--home", folder.path, "--url", "https://elsewhere"]).endpoint()
        #expect((other.url, other.caFile, other.tokenFile) == ("https://elsewhere", nil, nil))
        let given = try BrokerOptions.parse(["--home", folder.path, "--ca", "/mine"]).endpoint()
        #expect((given.caFile, given.tokenFile) == ("/mine", "/token"))
    }

    @Test(
        "plain http is for this machine only",
        arguments: [
            ("http://127.0.0.1:8080", true), ("http://localhost/x", true), ("http://[::1]:1", true),
            ("http://localhost.example", false), ("http://127.0.0.1.example", false), ("http://broker", false),
            ("http://localhost:x@broker", false), ("http://127.0.0.1/@x", false),
        ])
    func plainHTTP(url: String, allowed: Bool) {
        func endpoint(_ insecure: Bool) -> BrokerEndpoint {
            BrokerEndpoint(url: url, caFile: nil, tokenFile: nil, insecureHTTPAllowed: insecure)
        }
        #expect(endpoint(false).plainHTTPAllowed == allowed)
        #expect(endpoint(true).plainHTTPAllowed)
    }

    @Test("unix: addresses name a socket")
    func unixSocket() {
        for url in ["unix:/run/x.sock", "unix:///run/x.sock"] {
            let endpoint = BrokerEndpoint(url: url, caFile: nil, tokenFile: nil, insecureHTTPAllowed: false)
            #expect(endpoint.unixSocket == "/run/x.sock")
            #expect(endpoint.httpURL == "http://localhost")
        }
    }

    @Test("every command explains itself")
    func help() {
        func check(_ command: any ParsableCommand.Type) {
            #expect(!command.configuration.abstract.isEmpty, "\(command)")
            for child in command.configuration.subcommands { check(child) }
        }
        check(Claviger.self)
    }
}

/// A folder of its own for one test, removed when the test is over.
final class Scratch: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.appending(path: "claviger-cli-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func mode(_ name: String) throws -> Int {
        let attributes = try FileManager.default.attributesOfItem(atPath: "\(path)/\(name)")
        return try #require(attributes[.posixPermissions] as? Int)
    }
}
