import Encodings
import Foundation
import JOSE
import KBSProtocol
import Synchronization
import TestInput
import Testing

@testable import Guest

/// A broker's resources, and how often each was asked for.
final class NamedResources: ResourceSource {
    private let state: Mutex<(values: [String: [UInt8]], asked: [String])>

    init(_ values: [String: [UInt8]]) { state = Mutex((values, [])) }

    var asked: [String] { state.withLock { $0.asked } }

    func resource(_ uri: ResourceURI) async throws(GuestError) -> SecretBytes {
        let value = state.withLock { state in
            state.asked.append(uri.description)
            return state.values[uri.description]
        }
        guard let value else { throw GuestError(.notFound, "\(uri) does not exist") }
        return SecretBytes(value)
    }
}

/// The vectors of sealed secrets.
enum Sealed {
    static let realKeyURI = "kbs:///default/signing-key/sealed-secret"

    static func text(_ name: String) throws -> String {
        try Vectors.text("sealed/\(name).sealed.txt").trimmingCharacters(in: .whitespacesAndNewlines)
    }

    static func realKey() throws -> VerificationKey {
        try SealedSigningKey.publicKey(Vectors.bytes("sealed/peerpods-precreated.pub.jwk.json"))
    }

    static func testKey() throws -> SigningKey {
        try SealedSigningKey.privateKey(Vectors.bytes("sealed/test-key.json"))
    }

    /// What a broker has that knows the key of the generated vectors.
    static func resources(_ more: [String: [UInt8]] = [:]) throws -> NamedResources {
        let values = [
            realKeyURI: try Vectors.bytes("sealed/test-key.json"), "kbs:///default/type/tag": Array("plain".utf8),
        ]
        return NamedResources(values.merging(more) { $1 })
    }

    static func any(_ resources: NamedResources) -> Unsealer {
        Unsealer(resources: resources, trust: SealedSecretTrust(rule: .anyNamedKey))
    }

    static func code(_ body: () async throws -> Void) async throws -> GuestError.Code? {
        do {
            try await body()
            return nil
        } catch let error as GuestError {
            return error.code
        }
    }
}

@Suite("Sealed secrets")
struct SealedSecretTests {
    @Test(
        "GC 9.D.52: vault and envelope round-trip and match the fixtures",
        arguments: ["vault-1", "vault-2", "envelope-1"])
    func fixtures(name: String) throws {
        let bytes = try Vectors.bytes("sealed/\(name).json")
        let secret = try SealedSecret(parsing: bytes)
        let text = String(decoding: bytes, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
        #expect(JSONValue.object(secret.json).pretty() == text)
        #expect(try SealedSecret(parsing: secret.json.serialized()) == secret)
    }

    @Test(
        "every member is needed, and none that the version does not know is let through",
        arguments: ["vault-2", "envelope-1"])
    func members(name: String) throws {
        let whole = try JSONObject(parsing: Vectors.bytes("sealed/\(name).json"))
        for member in whole.names {
            for replacement in [nil, JSONValue.int(1), .null] {
                var object = whole
                object[member] = replacement
                #expect(throws: GuestError.self) { try SealedSecret(parsing: object.serialized()) }
            }
        }
        var more = whole
        more["extra"] = "x"
        #expect(throws: GuestError.self) { try SealedSecret(parsing: more.serialized()) }
        let text = whole.serializedString()
        let twice = text.dropLast() + #","version":"0.1.0"}"#
        #expect(throws: GuestError.self) { try SealedSecret(parsing: Array(twice.utf8)) }
    }

    @Test("GC 9.D.53: a change of any byte is refused, and so is any cut")
    func tampering() throws {
        let text = Array(try Sealed.text("peerpods-precreated").utf8)
        let key = try Sealed.realKey()
        _ = try SealedText(String(decoding: text, as: UTF8.self)).secret(signedWith: key)
        #expect(text.count > 250)
        for position in text.indices {
            for replacement in [text[position] ^ 1, text[position] ^ 0x20, UInt8(ascii: "A"), UInt8(ascii: ".")] {
                guard replacement != text[position] else { continue }
                var changed = text
                changed[position] = replacement
                #expect(throws: GuestError.self, "\(position)") {
                    try SealedText(String(decoding: changed, as: UTF8.self)).secret(signedWith: key)
                }
            }
            #expect(throws: GuestError.self) {
                try SealedText(String(decoding: text[..<position], as: UTF8.self)).secret(signedWith: key)
            }
        }
        for end in ["=", "A", ".", "\n", " "] {
            #expect(throws: GuestError.self) {
                try SealedText(String(decoding: text, as: UTF8.self) + end).secret(signedWith: key)
            }
        }
    }

    @Test("GC 9.D.53: a wrong key opens nothing, and there is no padding in what is sealed")
    func wrongKey() throws {
        let other = try SealedSigningKey.publicKey(Vectors.bytes("sealed/test-key-2.json"))
        let error = #expect(throws: GuestError.self) {
            try SealedText(Sealed.text("vault-kbs")).secret(signedWith: other)
        }
        #expect(error?.code == .untrustedSignature)
        for length in 1...8 {
            let secret = SealedSecret(.vault(name: String(repeating: "n", count: length)), provider: "kbs")
            let text = try SealedText.seal(secret, keyID: "k", with: Sealed.testKey())
            #expect(!text.contains("="))
            #expect(try SealedText(text).secret(signedWith: Sealed.testKey().verificationKey) == secret)
        }
    }

    @Test("GC 9.D.55: secrets that others sealed verify with their key")
    func real() throws {
        let key = try Sealed.realKey()
        let vectors = try #require(Vectors.json("sealed/kata-sealed-secrets.json").objectValue)
        var texts = [try Sealed.text("peerpods-precreated")]
        for (name, value) in vectors where name.contains("PRECREATED") { texts.append(try #require(value.stringValue)) }
        #expect(texts.count == 4)
        let names = try texts.map { text -> String in
            let sealed = try SealedText(text)
            #expect(sealed.keyID == Sealed.realKeyURI)
            guard case .vault(let name) = try sealed.secret(signedWith: key).content else { return "" }
            return name
        }
        #expect(Set(names).count == 3 && names.allSatisfy { $0.hasPrefix("kbs:///default/") })
        #expect(try SealedText("sealed.sealed." + texts[0]).keyID == Sealed.realKeyURI)
    }

    @Test(
        "GC 9.D.55: wrong algorithm, no kid, another version, an unknown provider, a kid that climbs, a bad signature",
        arguments: [
            ("NEG-alg-none", GuestError.Code.invalidSealedSecret), ("NEG-no-kid", .invalidSealedSecret),
            ("NEG-version", .invalidSealedSecret), ("NEG-provider", .unsupportedProvider),
            ("NEG-kid-traversal", .untrustedSignature), ("NEG-bad-signature", .untrustedSignature),
        ])
    func negatives(name: String, code: GuestError.Code) async throws {
        let text = try Sealed.text(name)
        for rule in [SealedSecretTrust.Rule.anyNamedKey, .pinned] {
            let resources = try Sealed.resources()
            let uri = try ResourceURI(Sealed.realKeyURI)
            let unsealer = Unsealer(resources: resources, trust: SealedSecretTrust(rule: rule, keyURIs: [uri]))
            #expect(try await Sealed.code { _ = try await unsealer.unseal(text) } == code, "\(rule)")
            #expect(!resources.asked.contains("kbs:///default/type/tag"))
        }
    }

    @Test("GC 9.D.55: without verification a made-up header does, and three or five parts do not")
    func unverified() async throws {
        let unsealer = Unsealer(resources: try Sealed.resources(), trust: SealedSecretTrust(rule: .unverified))
        let text = try Sealed.text("skip-verify-fake-header")
        #expect(try await unsealer.unseal(text) == SecretBytes(Array("plain".utf8)))
        let parts = text.split(separator: ".")
        for wrong in [
            parts.dropLast().joined(separator: "."), text + ".x", "sealed." + text, String(text.dropFirst(7)),
            "sealed.",
            "sealed.a.b.c",
        ] {
            #expect(try await Sealed.code { _ = try await unsealer.unseal(wrong) } == .invalidSealedSecret, "\(wrong)")
        }
        #expect(
            try await Sealed.code { _ = try await Sealed.any(Sealed.resources()).unseal(text) } == .invalidSealedSecret)
    }

    @Test("GC 9.D.56: an envelope of provider kbs is refused, and providers are known in any case of letters")
    func providers() async throws {
        let key = try Sealed.testKey()
        func code(_ content: SealedSecret.Content, _ provider: String) async throws -> GuestError.Code? {
            let text = try SealedText.seal(
                SealedSecret(content, provider: provider), keyID: Sealed.realKeyURI, with: key)
            return try await Sealed.code { _ = try await Sealed.any(Sealed.resources()).unseal(text) }
        }
        let vault = SealedSecret.Content.vault(name: "kbs:///default/type/tag")
        let envelope = SealedSecret.Content.envelope(
            .init(keyID: "k", encryptedKey: "", encryptedData: "", wrapType: "A256GCM", iv: ""))
        #expect(try await code(vault, "KBS") == nil)
        #expect(try await code(vault, "Kbs") == nil)
        #expect(try await code(envelope, "kBs") == .invalidSealedSecret)
        for provider in ["aliyun", "AWS", "eHSM"] {
            #expect(try await code(vault, provider) == .unsupportedProvider)
            #expect(try await code(envelope, provider) == .unsupportedProvider)
        }
        // GC 9.C.47: unsupported or empty; U+212A lower-cases to k.
        for provider in ["", "kbs ", "\u{212A}bs", "vault"] {
            #expect(try await code(vault, provider) == .unsupportedProvider)
        }
        #expect(try await code(.vault(name: "default/type/tag"), "kbs") == .invalidSealedSecret)
        #expect(try await code(.vault(name: "kbs:///default/type/gone"), "kbs") == .notFound)
    }

    @Test("GC 9.C.47: a provider without a client is named, with what to do instead")
    func missingClient() async throws {
        let error = await #expect(throws: GuestError.self) {
            _ = try await Sealed.any(Sealed.resources()).unseal(Sealed.text("vault-1"))
        }
        #expect(error?.code == .unsupportedProvider)
        #expect(error?.message.contains("aliyun") == true && error?.message.contains("provider kbs") == true)
    }

    @Test("random bytes and damaged texts are refused and nothing else")
    func fuzz() throws {
        var generator = SeededGenerator(seed: 53)
        let seeds = try ["vault-kbs", "envelope-1", "NEG-version"].map { Array(try Sealed.text($0).utf8) }
        let payloads = try ["vault-2", "envelope-1"].map { try Vectors.bytes("sealed/\($0).json") }
        let key = try Sealed.testKey().verificationKey
        for round in 0..<4000 {
            var text = seeds[round % seeds.count]
            for _ in 0..<Int.random(in: 1...4, using: &generator) {
                let position = Int.random(in: 0..<text.count, using: &generator)
                switch round % 3 {
                case 0: text[position] = .random(in: 0...255, using: &generator)
                case 1: text.remove(at: position)
                default: text.insert(.random(in: 0x20...0x7E, using: &generator), at: position)
                }
            }
            let changed = String(decoding: text, as: UTF8.self)
            let secret = try? SealedText(changed).secret(signedWith: key)
            #expect(secret == nil || changed.hasSuffix(String(decoding: seeds[round % seeds.count], as: UTF8.self)))
            _ = try? SealedText.unverifiedSecret(changed)
            var payload = payloads[round % payloads.count]
            payload[Int.random(in: 0..<payload.count, using: &generator)] = .random(in: 0...255, using: &generator)
            if let secret = try? SealedSecret(parsing: payload) {
                #expect(try SealedSecret(parsing: secret.json.serialized()) == secret)
            }
        }
    }
}
