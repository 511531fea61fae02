import Encodings
import Foundation
import Guest
import GuestTestSupport
import TestPrograms
import Testing

@testable import GuestAPI

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
                let address = overTCP ? "127.0.0.1:\(try #require(port))" : "unix://\(socket)"
                let provider = #"{"grpc":"\#(address)"}"#
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
