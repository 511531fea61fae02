import Encodings
import Foundation
import Guest
import GuestTestSupport
import OCIEncryption
import Processes
import TestPrograms
import Testing

@testable import GuestAPI

private let agentProgram = BuiltProgram("attestation-agent")

/// The contract between containerd and a stream processor: payload on descriptor 3, layer on 0 to 1, status 0 or 1.
@Suite(
    "containerd's stream processor", .timeLimit(.minutes(5)),
    .enabled(if: agentProgram != nil, "attestation-agent is not built"))
struct LayerDecoderTests {
    private static let gzip = "application/vnd.oci.image.layer.v1.tar+gzip+encrypted"

    /// A protobuf `Any` as containerd writes it.
    static func payload(_ layer: JSONValue, type: String = "io.containerd.ocicrypt.v1.Payload") -> [UInt8] {
        let json = JSONObject([
            ("DecryptConfig", .object(["Parameters": .object(JSONObject())])), ("Descriptor", layer),
        ]).serialized()
        return field(0x0A, Array(type.utf8)) + field(0x12, json)
    }

    private static func field(_ tag: UInt8, _ bytes: [UInt8]) -> [UInt8] {
        var length = bytes.count
        var varint: [UInt8] = []
        repeat {
            varint.append(UInt8(length & 0x7F) | (length > 0x7F ? 0x80 : 0))
            length >>= 7
        } while length > 0
        return [tag] + varint + bytes
    }

    /// The recorded layers: descriptor, ciphertext and plaintext.
    private struct Layer: Sendable {
        var descriptor: JSONValue
        var ciphertext: [UInt8]
        var plaintext: [UInt8]
    }

    private static func recordedLayers() throws -> [Layer] {
        let encrypted = try Vectors.url("encrypted-oci-layout")
        let index = try JSONValue(parsing: Array(Data(contentsOf: encrypted.appending(path: "index.json"))))
        func blob(_ digest: String?, _ layout: URL) throws -> [UInt8] {
            let name = try #require(digest).replacing(":", with: "/")
            return Array(try Data(contentsOf: layout.appending(path: "blobs/" + name)))
        }
        let manifest = try JSONValue(parsing: blob(index[pointer: "/manifests/0/digest"]?.stringValue, encrypted))
        let digests = try Vectors.json("unwrap-vectors.json")["layers"]?.arrayValue ?? []
        return try (manifest["layers"]?.arrayValue ?? []).map { layer in
            let facts = try #require(digests.first { $0["layer_digest"] == layer["digest"] })
            return Layer(
                descriptor: layer, ciphertext: try blob(layer["digest"]?.stringValue, encrypted),
                plaintext: try blob(
                    facts[pointer: "/optsdata/digest"]?.stringValue, Vectors.url("plain-oci-layout")))
        }
    }

    /// Runs the decoder as containerd does.
    private static func decode(
        _ payload: [UInt8], _ input: [UInt8], configuration: String, in folder: URL, byName: Bool = false,
        arguments: [String] = []
    ) async throws -> (status: Int32, output: [UInt8], errors: String) {
        let id = UUID().uuidString
        func file(_ name: String) -> String { folder.appending(path: "\(id)-\(name)").path }
        try Data(payload).write(to: URL(filePath: file("payload")))
        try Data(input).write(to: URL(filePath: file("input")))
        try Data(configuration.utf8).write(to: URL(filePath: file("ocicrypt.json")))
        var program = try #require(agentProgram).path
        var words = ["ctd-decoder"] + arguments
        if byName {
            let link = folder.appending(path: "ctd-decoder").path
            try? FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: program)
            (program, words) = (link, arguments)
        }
        let line =
            "exec '\(program)' \(words.joined(separator: " ")) 3<'\(file("payload"))' <'\(file("input"))' >'\(file("output"))'"
        let process = try RunningProgram(
            "/bin/sh", ["-c", line], environment: ["OCICRYPT_KEYPROVIDER_CONFIG": file("ocicrypt.json")])
        let status = await process.status()
        return (status, Array((try? Data(contentsOf: URL(filePath: file("output")))) ?? Data()), process.errorText)
    }

    /// A broker with the key of the recorded image, and the agent's ttrpc and gRPC faces.
    private static func serving(
        _ body: @escaping @Sendable (_ ttrpc: String, _ grpc: String, FakeKBS, URL) async throws -> Void
    ) async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "ld-\(UUID().uuidString.prefix(8))")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let kek = try Vectors.bytes("kek.bin")
        try await FakeKBS.run { broker, url in
            broker.put("default/image-kek/proof-1", kek)
            let agent = try TestAgent(url)
            let images = ImageKeys(keys: DecidedResources(agent.cache))
            let services = TTRPCServices.confidentialDataHub(
                resources: agent.cache, images: images, logger: ServerTests.quiet)
            let (ttrpc, grpc) = (folder.appending(path: "t.sock").path, folder.appending(path: "g.sock").path)
            try await ServerTests.serving { announce in
                try await TTRPCServer(
                    services, on: .unix(path: ttrpc), logger: ServerTests.quiet, onListening: { await announce(nil) }
                ).run()
            } _: { _ in
                try await ServerTests.serving { announce in
                    try await KeyProviderServer(
                        images, on: .unix(path: grpc), logger: ServerTests.quiet, onListening: announce
                    ).run()
                } _: { _ in
                    try await body(
                        #"{"key-providers":{"attestation-agent":{"ttrpc":"unix://\#(ttrpc)"}}}"#,
                        #"{"key-providers":{"attestation-agent":{"grpc":"unix://\#(grpc)"}}}"#, broker, folder)
                }
            }
        }
    }

    @Test(
        "GC 9.F.68: skopeo's encrypted layers come out as they went in, over ttrpc and gRPC, by name and by subcommand")
    func recorded() async throws {
        let layers = try Self.recordedLayers()
        #expect(layers.count == 2)
        try await Self.serving { ttrpc, grpc, broker, folder in
            for (layer, configuration) in zip(layers, [ttrpc, grpc]) {
                let outcome = try await Self.decode(
                    Self.payload(layer.descriptor), layer.ciphertext, configuration: configuration, in: folder,
                    byName: configuration == ttrpc,
                    arguments: ["--decryption-keys-path", "/etc/containerd/ocicrypt/keys"])
                #expect(outcome.status == 0, "\(outcome.errors)")
                #expect(outcome.output == layer.plaintext)
                #expect(outcome.errors.isEmpty)
            }
            #expect(broker.attestations == 1)
        }
    }

    @Test("GC 9.F.66: a changed, shortened or lengthened layer ends with a failure, and so does a changed HMAC")
    func changed() async throws {
        let layer = try #require(try Self.recordedLayers().first)
        let annotation = "org.opencontainers.image.enc.pubopts"
        let options = try #require(layer.descriptor["annotations"]?[annotation]?.stringValue)
        var otherOptions = try JSONObject(parsing: Base64.decode(options))
        otherOptions["hmac"] = .string(Base64.encode([UInt8](repeating: 1, count: 32)))
        var annotations = try #require(layer.descriptor["annotations"]?.objectValue)
        annotations[annotation] = .string(Base64.encode(otherOptions.serialized()))
        var descriptor = try #require(layer.descriptor.objectValue)
        descriptor["annotations"] = .object(annotations)
        var flipped = layer.ciphertext
        flipped[flipped.count / 2] ^= 1
        let cases: [(JSONValue, [UInt8])] = [
            (layer.descriptor, flipped), (layer.descriptor, Array(layer.ciphertext.dropLast())),
            (layer.descriptor, layer.ciphertext + [0]), (layer.descriptor, []),
            (.object(descriptor), layer.ciphertext),
        ]
        try await Self.serving { ttrpc, _, _, folder in
            for (descriptor, input) in cases {
                let outcome = try await Self.decode(
                    Self.payload(descriptor), input, configuration: ttrpc, in: folder)
                #expect(outcome.status == 1)
                #expect(outcome.errors.contains("HMAC"), "\(outcome.errors)")
            }
        }
    }

    @Test("GC 9.F.65: a refused key, a missing provider and payloads that are none end with status 1 and the reason")
    func refusals() async throws {
        let layer = try #require(try Self.recordedLayers().first)
        var plain = try #require(layer.descriptor.objectValue)
        plain["mediaType"] = "application/vnd.oci.image.layer.v1.tar+gzip"
        var foreign = try #require(layer.descriptor.objectValue)
        foreign["annotations"] = [
            "org.opencontainers.image.enc.pubopts": layer.descriptor["annotations"]?[
                "org.opencontainers.image.enc.pubopts"] ?? .null
        ]
        let plainDescriptor = JSONValue.object(plain)
        let foreignDescriptor = JSONValue.object(foreign)
        try await Self.serving { ttrpc, grpc, broker, folder in
            broker.script("resource/default/image-kek/proof-1", .denied)
            let good = Self.payload(layer.descriptor)
            let nowhere = #"{"key-providers":{"attestation-agent":{"ttrpc":"unix:///nonexistent.sock"}}}"#
            let remote = #"{"key-providers":{"attestation-agent":{"grpc":"192.0.2.1:50000"}}}"#
            let cases: [(payload: [UInt8], configuration: String, says: String)] = [
                (good, ttrpc, "Decrypt Image (UnwrapKey) failed"), (good, grpc, "claviger explain 0193-deny"),
                (good, nowhere, "does not answer"), (good, remote, "not on this machine"),
                (good, #"{"key-providers":{"other":{}}}"#, "names no key provider"),
                (good, "", "names no key provider"),
                (Self.payload(plainDescriptor), ttrpc, "no encrypted layer type"),
                (Self.payload(foreignDescriptor), ttrpc, "for no key provider"),
                (Self.payload(layer.descriptor, type: "other"), ttrpc, "its type is other"),
                ([], ttrpc, "its type is missing"), ([0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], ttrpc, "payload"),
                (Array("{}".utf8), ttrpc, "no Descriptor"),
            ]
            for (payload, configuration, says) in cases {
                let outcome = try await Self.decode(payload, layer.ciphertext, configuration: configuration, in: folder)
                #expect(outcome.status == 1, "\(says)")
                #expect(outcome.output.isEmpty, "\(says)")
                #expect(outcome.errors.contains(says), "\(says): \(outcome.errors)")
            }
        }
    }

    @Test(
        "GC 9.F.68: layers that we encrypted come out again: plain, gzip and zstd, in memory that does not grow with them",
        arguments: ["tar", "tar+gzip", "tar+zstd"])
    func ours(form: String) async throws {
        let content = (0..<5_000_003).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }
        let key = SecretBytes.random(count: 32)
        let options = PrivateLayerOptions(
            key: key, plaintextDigest: BlobDigest(of: content), nonce: SecretBytes.random(count: 16).copyBytes())
        var cipher = try LayerEncryptor(key: key, nonce: options.nonce ?? [])
        let ciphertext = try cipher.encrypt(content)
        let kek = SecretBytes(try Vectors.bytes("kek.bin"))
        let packet = try AnnotationPacket.wrap(
            optsData: options.serialized(), keyID: "kbs:///default/image-kek/proof-1", key: kek)
        let publicOptions = PublicLayerOptions(authenticationCode: cipher.authenticationCode()).serialized()
        let descriptor: JSONValue = [
            "mediaType": .string("application/vnd.oci.image.layer.v1.\(form)+encrypted"),
            "digest": .string(BlobDigest(of: ciphertext).description), "size": .int(Int64(ciphertext.count)),
            "annotations": [
                "org.opencontainers.image.enc.keys.provider.attestation-agent": .string(
                    Base64.encode(packet.serialized())),
                "org.opencontainers.image.enc.pubopts": .string(Base64.encode(publicOptions)),
            ],
        ]
        try await Self.serving { ttrpc, _, _, folder in
            let outcome = try await Self.decode(
                Self.payload(descriptor), ciphertext, configuration: ttrpc, in: folder)
            #expect(outcome.status == 0, "\(outcome.errors)")
            #expect(outcome.output == content)
        }
    }

    @Test("GC 9.F.64: providers are read from ocicrypt's configuration: ttrpc, gRPC with and without scheme")
    func configuration() throws {
        func endpoint(_ provider: String) throws -> KeyProviderClient.Endpoint {
            let text = #"{"key-providers":{"attestation-agent":\#(provider)}}"#
            return try KeyProviderClient(configuration: Array(text.utf8), name: "test").endpoint
        }
        #expect(try endpoint(#"{"ttrpc":"unix:///run/x.sock"}"#) == .ttrpc(path: "/run/x.sock"))
        #expect(try endpoint(#"{"grpc":"127.0.0.1:50011"}"#) == .grpc(.tcp(host: "127.0.0.1", port: 50011)))
        #expect(try endpoint(#"{"grpc":"http://127.0.0.1:50011"}"#) == .grpc(.tcp(host: "127.0.0.1", port: 50011)))
        #expect(try endpoint(#"{"grpc":"unix:///run/x.sock"}"#) == .grpc(.unix(path: "/run/x.sock")))
        for other in ["{}", #"{"cmd":{"path":"/x"}}"#, #"{"native":"attestation-agent"}"#, #"{"ttrpc":"127.0.0.1:1"}"#]
        {
            #expect(throws: GuestError.self) { try endpoint(other) }
        }
        #expect(
            try KeyProviderClient(configurationFile: nil).endpoint
                == .ttrpc(path: "/run/confidential-containers/cdh.sock"))
    }
}
