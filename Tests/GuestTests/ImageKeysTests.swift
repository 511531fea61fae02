import Encodings
import Foundation
import GuestTestSupport
import KBSProtocol
import Synchronization
import Testing

@testable import Guest

/// Remembers registered keys and serves them.
final class KeyStore: KeyRegistrar, ResourceSource {
    private let keys = Mutex<[String: SecretBytes]>([:])
    private let count = Mutex(0)
    let failure: GuestError?

    init(_ keys: [String: [UInt8]] = [:], failure: GuestError? = nil) {
        self.failure = failure
        self.keys.withLock { $0 = keys.mapValues { SecretBytes($0) } }
    }

    var paths: [String] { keys.withLock { $0.keys.sorted() } }
    var registrations: Int { count.withLock { $0 } }

    func register(_ key: SecretBytes, at path: ResourcePath) async throws(GuestError) {
        if let failure { throw failure }
        keys.withLock { $0[path.description] = key }
        count.withLock { $0 += 1 }
    }

    func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        guard let key = keys.withLock({ $0[uri.path] }) else { throw GuestError(.notFound, "no \(uri)") }
        return key
    }
}

@Suite("Image keys")
struct ImageKeysTests {
    static let options = #"{"symkey":"c3lt","digest":"sha256:00","cipheroptions":{"nonce":"bm9uY2U="}}"#

    static func wrapRequest(_ parameters: [String], optsData: JSONValue = .string(Base64.encode(Array(options.utf8))))
        -> [UInt8]
    {
        let list = JSONValue.array(parameters.map { .string(Base64.encode(Array($0.utf8))) })
        return JSONValue.object([
            "op": "keywrap",
            "keywrapparams": [
                "ec": ["Parameters": ["attestation-agent": list], "DecryptConfig": ["Parameters": [:]]],
                "optsdata": optsData,
            ],
            "keyunwrapparams": ["dc": .null, "annotation": .null],
        ]).serialized()
    }

    static func annotation(_ answer: [UInt8]) throws -> [UInt8] {
        try #require(JSONValue(parsing: answer)[pointer: "/keywrapresults/annotation"]?.byteArrayValue)
    }

    static func unwrapRequest(_ annotation: [UInt8]) -> [UInt8] {
        JSONValue.object(["keyunwrapparams": ["dc": .null, "annotation": .string(Base64.encode(annotation))]])
            .serialized()
    }

    @Test("GC 65: recorded unwrap requests of Go clients are answered as recorded, with integer arrays")
    func recordedUnwrap() async throws {
        let kek = try Vectors.bytes("kek.bin")
        let images = ImageKeys(keys: KeyStore(["default/image-kek/proof-1": kek]))
        let layers = try #require(try Vectors.json("unwrap-vectors.json")["layers"]?.arrayValue)
        #expect(layers.count == 2)
        for layer in layers {
            let request = try #require(layer["unwrap_input_from_go_ocicrypt"])
            let answer = try await images.unwrap(request.serialized())
            let expected = try #require(layer["unwrap_output_int_array"])
            #expect(
                try JSONValue(parsing: answer) == expected.stringValue.map { try JSONValue(parsing: $0) } ?? expected)
            let bytes = try #require(JSONValue(parsing: answer)[pointer: "/keyunwrapresults/optsdata"]?.byteArrayValue)
            #expect(try JSONValue(parsing: bytes) == layer["optsdata"])
        }
    }

    @Test(
        "GC 65: requests of both kinds as skopeo sent them, with text after the provider's name and without",
        arguments: [
            "unwrap", "unwrap-enabled",
        ])
    func skopeoUnwrap(name: String) async throws {
        let call = try #require(try Vectors.json("skopeo-requests.json")[name])
        let kek = try Vectors.bytes("kek.bin")
        let answer = try await ImageKeys(keys: KeyStore(["default/image-kek/proof-1": kek])).unwrap(
            Array(#require(call["request"]?.stringValue).utf8))
        let recorded = try JSONValue(parsing: #require(call["answer"]?.stringValue))
        let text = try #require(recorded[pointer: "/keyunwrapresults/optsdata"]?.stringValue)
        #expect(
            try JSONValue(parsing: answer)[pointer: "/keyunwrapresults/optsdata"]?.byteArrayValue == Base64.decode(text)
        )
    }

    @Test("GC 65: Rust's spellings work: raw optsdata, integer arrays")
    func rustForms() async throws {
        let store = KeyStore()
        let images = ImageKeys(keys: store, registrar: store)
        let ints = JSONValue.array(Array(Self.options.utf8).map { .int(Int64($0)) })
        for options in [JSONValue.string(Self.options), ints] {
            let packet = try Self.annotation(
                await images.wrap(Self.wrapRequest(["keyid=kbs:///default/image-kek/a"], optsData: options)))
            let request = JSONValue.object([
                "keyunwrapparams": ["annotation": .array(packet.map { .int(Int64($0)) })]
            ])
            let answer = try JSONValue(parsing: await images.unwrap(request.serialized()))
            #expect(
                answer[pointer: "/keyunwrapresults/optsdata"]?.byteArrayValue == Array(Self.options.utf8))
        }
    }

    @Test("a real packet of guest-components opens with its key")
    func foreignPacket() async throws {
        let key = try Hex.decode("d99b7705b0ba7a168295b3a3367270b0dd9b371bf514ca8b9ba7f0a33711daea")
        let packet = try Vectors.bytes("sample_kbc_annotation.json")
        let answer = try await ImageKeys(keys: KeyStore(["default/key/1": key])).unwrap(Self.unwrapRequest(packet))
        let options = try #require(
            JSONValue(parsing: answer)[pointer: "/keyunwrapresults/optsdata"]?.byteArrayValue)
        #expect(try JSONValue(parsing: options)["symkey"] != nil)
    }

    @Test(
        "a wrapped key is registered before the answer leaves and opens again; key ids work with and without scheme",
        arguments: ["kbs:///default/image-kek/proof-1", "/default/image-kek/proof-1", "default/image-kek/proof-1"])
    func roundTrip(keyID: String) async throws {
        let store = KeyStore()
        let folder = FileManager.default.temporaryDirectory
        let images = ImageKeys(keys: store, registrar: store, keyFolder: folder.path)
        let file = folder.appending(path: "kek-\(UUID().uuidString)")
        try Data(Vectors.bytes("kek.bin")).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let packet = try Self.annotation(
            await images.wrap(Self.wrapRequest(["keypath=\(file.path)::keyid=\(keyID)::algorithm=A256GCM"])))
        #expect(try JSONValue(parsing: packet)["kid"] == "kbs:///default/image-kek/proof-1")
        #expect(
            try await store.resource(ResourceURI("kbs:///default/image-kek/proof-1"))
                == SecretBytes(Vectors.bytes("kek.bin")))
        let answer = try JSONValue(parsing: await images.unwrap(Self.unwrapRequest(packet)))
        #expect(answer[pointer: "/keyunwrapresults/optsdata"]?.byteArrayValue == Array(Self.options.utf8))
    }

    @Test("all layers of an image share the key of their name, which is registered once")
    func sharedKey() async throws {
        let store = KeyStore()
        let images = ImageKeys(keys: store, registrar: store)
        var packets: [[UInt8]] = []
        for _ in 0..<3 {
            packets.append(
                try Self.annotation(await images.wrap(Self.wrapRequest(["keyid=kbs:///default/image-kek/b"]))))
        }
        #expect(store.registrations == 1)
        for packet in packets { _ = try await images.unwrap(Self.unwrapRequest(packet)) }
    }

    @Test("without key id each call makes its own name, which is a resource uri")
    func freshNames() async throws {
        let store = KeyStore()
        let images = ImageKeys(keys: store, registrar: store)
        let first = try Self.annotation(await images.wrap(Self.wrapRequest([])))
        let second = try Self.annotation(await images.wrap(Self.wrapRequest(["Enabled"])))
        let names = try [first, second].map { try #require(JSONValue(parsing: $0)["kid"]?.stringValue) }
        #expect(Set(names).count == 2 && names.allSatisfy { $0.hasPrefix("kbs:///default/image-kek/") })
        _ = try await images.unwrap(Self.unwrapRequest(second))
    }

    @Test(
        "all parameters of a call count, and contradictions and unknown ones are refused",
        arguments: [
            ["keyid=kbs:///a/b/c", "keyid=kbs:///a/b/d"], ["algorithm=A256CTR"], ["sample=true"],
            ["keyId=kbs:///a/b/c"],
            ["keypath"], ["keyid=kbs:///a/b"], ["keyid=http:///a/b/c"], ["keypath=/nonexistent/kek"],
        ])
    func refusedParameters(parameters: [String]) async throws {
        let store = KeyStore()
        let images = ImageKeys(keys: store, registrar: store)
        await #expect { try await images.wrap(Self.wrapRequest(parameters)) } throws: {
            ($0 as? GuestError)?.code == .invalidRequest
        }
        #expect(store.registrations == 0)
    }

    @Test("two parameters as skopeo sent them are read as one")
    func twoParameters() throws {
        let call = try #require(try Vectors.json("skopeo-requests.json")["wrap-two-parameters"])
        let request = try KeyProviderMessage.Wrap(parsing: Array(#require(call["request"]?.stringValue).utf8))
        #expect(request.parameters.count == 2)
        let parameters = try WrapParameters(request.parameters)
        #expect(parameters.keyID?.path == "default/image-kek/proof-1")
        #expect(parameters.keyPath?.hasSuffix("kek.bin") == true)
    }

    @Test("a key that cannot be registered wraps nothing")
    func failedRegistration() async throws {
        let store = KeyStore(failure: GuestError(.denied, "no"))
        let images = ImageKeys(keys: store, registrar: store)
        await #expect { try await images.wrap(Self.wrapRequest([])) } throws: { ($0 as? GuestError)?.code == .denied }
        let disabled = ImageKeys(keys: store)
        await #expect { try await disabled.wrap(Self.wrapRequest([])) } throws: {
            ($0 as? GuestError)?.code == .disabled
        }
    }

    @Test(
        "A36: whoever reaches the key provider writes keys of its scope only",
        arguments: [
            ("demo/image-key", "demo/image-key/1", true), ("demo/image-key", "demo/image-keys/1", false),
            ("demo/image-key", "demo/database/1", false), ("demo/image-key", "demo2/image-key/1", false),
            ("demo", "demo/anything/1", true), ("demo", "demolition/image-key/1", false),
            (nil, "default/image-kek/1", true), (nil, "default/image-key/1", false),
        ])
    func scope(_ scope: String?, _ name: String, _ isAllowed: Bool) async throws {
        let store = KeyStore()
        let limit = try scope.map { try RegistrationScope($0) } ?? .standard
        let images = ImageKeys(keys: store, registrar: store, scope: limit)
        let request = Self.wrapRequest(["keyid=kbs:///\(name)"])
        if isAllowed {
            _ = try await images.wrap(request)
            #expect(store.paths == [name])
        } else {
            await #expect { try await images.wrap(request) } throws: { ($0 as? GuestError)?.code == .disabled }
            #expect(store.paths.isEmpty)
        }
        let nameless = Self.wrapRequest([])
        _ = try await images.wrap(nameless)
        #expect(store.paths.allSatisfy { $0.hasPrefix("\(limit)/") })
    }

    @Test("a scope is a repository, or a repository and a type", arguments: ["", "/", "a/", "/a", "a/b/c", ".."])
    func badScope(_ text: String) {
        #expect(throws: GuestError.self) { try RegistrationScope(text) }
    }

    @Test(
        "malformed requests and packets have their own errors",
        arguments: [
            "", "[]", "{}", #"{"keyunwrapparams":{}}"#, #"{"keyunwrapparams":{"annotation":null}}"#,
            #"{"keyunwrapparams":{"annotation":""}}"#, #"{"keyunwrapparams":{"annotation":"!!"}}"#,
            #"{"keyunwrapparams":{"annotation":[1,300]}}"#, #"{"keyunwrapparams":{"annotation":"e30="}}"#,
        ])
    func malformed(request: String) async throws {
        let images = ImageKeys(keys: KeyStore())
        await #expect { try await images.unwrap(Array(request.utf8)) } throws: {
            [.invalidRequest, .undecryptable].contains(($0 as? GuestError)?.code)
        }
    }

    @Test("a wrong key does not open a packet, and the error holds no key")
    func wrongKey() async throws {
        let images = ImageKeys(keys: KeyStore(["default/key/1": [UInt8](repeating: 1, count: 32)]))
        let packet = try Vectors.bytes("sample_kbc_annotation.json")
        await #expect { try await images.unwrap(Self.unwrapRequest(packet)) } throws: {
            ($0 as? GuestError)?.code == .undecryptable
        }
    }

    @Test("keys are registered at the broker with the token of the moment, and its refusal is heard")
    func registrar() async throws {
        let file = FileManager.default.temporaryDirectory.appending(path: "token-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: file) }
        try await FakeKBS.run { broker, url in
            let registrar = AdminKeyRegistrar(client: try HandshakeTests.client(url), tokenFile: file.path)
            let path = try ResourcePath("default/image-kek/c")
            try Data("wrong\n".utf8).write(to: file)
            await #expect { try await registrar.register(SecretBytes([1]), at: path) } throws: {
                ($0 as? GuestError)?.code == .denied
            }
            try Data("admin-token\n".utf8).write(to: file)
            try await registrar.register(SecretBytes([1, 2]), at: path)
            #expect(broker.resource("default/image-kek/c") == [1, 2])
            #expect(
                broker.recorded("resource/default/image-kek/c").last?.headers["content-type"]
                    == "application/octet-stream")
            #expect(broker.attestations == 0)
        }
    }
}
