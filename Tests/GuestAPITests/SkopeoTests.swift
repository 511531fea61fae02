import Encodings
import Foundation
import Guest
import GuestTestSupport
import Testing

@testable import GuestAPI

/// The skopeo of scripts/skopeo.sh, run as a child process.
private enum Skopeo {
    /// The program's path; nil when none can be had on this machine (no network, no Debian).
    static let path: String? = {
        let checkout = URL(filePath: #filePath).resolvingSymlinksInPath().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        guard let result = try? run(checkout.appending(path: "scripts/skopeo.sh").path, ["--path"]), result.status == 0
        else { return nil }
        // What the script says while it fetches comes before the path.
        return result.output.split(separator: "\n").last.map(String.init)
    }()

    static func run(
        _ program: String, _ arguments: [String], environment: [String: String] = [:]
    ) throws -> (status: Int32, output: String) {
        let process = Process()
        process.executableURL = URL(filePath: program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
        let output = Pipe()
        process.standardOutput = output
        process.standardError = output
        process.standardInput = FileHandle.nullDevice
        try process.run()
        let bytes = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
    }

    /// Runs skopeo on a thread of its own: the servers that it calls need the test's threads.
    static func copy(_ options: [String], provider: String, in folder: URL) async throws -> (
        status: Int32, output: String
    ) {
        let configuration = folder.appending(path: "ocicrypt-\(UUID().uuidString).json")
        try Data(#"{"key-providers":{"attestation-agent":{"grpc":"\#(provider)"}}}"#.utf8).write(to: configuration)
        let program = try #require(path)
        return try await withCheckedThrowingContinuation { continuation in
            Thread.detachNewThread {
                continuation.resume(
                    with: Result {
                        try run(
                            program, ["copy", "--insecure-policy"] + options,
                            environment: ["OCICRYPT_KEYPROVIDER_CONFIG": configuration.path])
                    })
            }
        }
    }
}

@Suite("skopeo through the key provider", .timeLimit(.minutes(5)))
struct SkopeoTests {
    @Test(
        "GC 67: skopeo encrypts and decrypts through the key provider, and shows why it may not",
        .enabled(if: Skopeo.path != nil, "scripts/skopeo.sh could not get a skopeo on this machine"),
        arguments: [true, false])
    func roundTrip(overTCP: Bool) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sk-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let tokenFile = folder.appending(path: "token")
        try Data("admin-token".utf8).write(to: tokenFile)
        let vectors = try #require(Bundle.module.url(forResource: "Vectors", withExtension: nil))
        let plain = "oci:\(vectors.path)/plain-oci-layout:hello"
        let socket = folder.appending(path: "kp.sock").path

        try await FakeKBS.run { broker, url in
            let agent = try TestAgent(url)
            let images = ImageKeys(
                keys: DecidedResources(agent.cache),
                registrar: AdminKeyRegistrar(client: agent.client, tokenFile: tokenFile.path))
            try await ServerTests.serving { announce in
                try await KeyProviderServer(
                    images, on: overTCP ? ListenAddress("127.0.0.1:0") : .unix(path: socket),
                    logger: ServerTests.quiet, onListening: announce
                ).run()
            } _: { port in
                let provider = overTCP ? "127.0.0.1:\(try #require(port))" : "unix://\(socket)"
                let key = "provider:attestation-agent:keyid=kbs:///default/image-kek/hello"
                let encrypted = "oci:\(folder.path)/encrypted:hello"
                let sealing = try await Skopeo.copy(
                    ["--encryption-key", key, plain, encrypted], provider: provider, in: folder)
                #expect(sealing.status == 0, "\(sealing.output)")
                #expect(broker.resource("default/image-kek/hello")?.count == 32)

                let opening = try await Skopeo.copy(
                    ["--decryption-key", "provider:attestation-agent:x", encrypted, "oci:\(folder.path)/opened:hello"],
                    provider: provider, in: folder)
                #expect(opening.status == 0, "\(opening.output)")
                let opened = try Self.contentDigests(folder.appending(path: "opened"))
                #expect(try opened == Self.contentDigests(vectors.appending(path: "plain-oci-layout")))
                #expect(opened.count == 3)
                #expect(broker.attestations == 1)

                broker.script("resource/default/image-kek/hello", .denied)
                let denied = try await Skopeo.copy(
                    ["--decryption-key", "provider:attestation-agent:x", encrypted, "oci:\(folder.path)/denied:hello"],
                    provider: provider, in: folder)
                #expect(denied.status != 0)
                #expect(denied.output.contains("claviger explain 0193-deny"), "\(denied.output)")
                #expect(broker.attestations == 1)
            }
        }
    }

    /// Digests of configuration and layers, as the layout's one manifest names them.
    private static func contentDigests(_ layout: URL) throws -> [JSONValue?] {
        let index = try JSONValue(parsing: Array(Data(contentsOf: layout.appending(path: "index.json"))))
        let digest = try #require(index[pointer: "/manifests/0/digest"]?.stringValue)
        let file = layout.appending(path: "blobs/" + digest.replacing(":", with: "/"))
        let manifest = try JSONValue(parsing: Array(Data(contentsOf: file)))
        return [manifest[pointer: "/config/digest"]] + (manifest["layers"]?.arrayValue ?? []).map { $0["digest"] }
    }
}
