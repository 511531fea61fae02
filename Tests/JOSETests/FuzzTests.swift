import Encodings
import TestInput
import Testing

@testable import JOSE

@Suite("Random JOSE input")
struct FuzzTests {
    private static func mutate(_ bytes: [UInt8], using generator: inout SeededGenerator) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...5, using: &generator) where !bytes.isEmpty {
            let position = Int.random(in: 0..<bytes.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0: bytes[position] = UInt8.random(in: 0...255, using: &generator)
            case 1: bytes.remove(at: position)
            case 2: bytes.insert(bytes[Int.random(in: 0..<bytes.count, using: &generator)], at: position)
            case 3: bytes[position] = Array("\"{}[]:,.=-_A0".utf8)[Int.random(in: 0..<13, using: &generator)]
            default: bytes.removeSubrange(position..<min(bytes.count, position + 9))
            }
        }
        return bytes
    }

    @Test("changed messages never open")
    func messages() throws {
        var generator = SeededGenerator(seed: 11)
        let key = try JWEPrivateKey.generate()
        let sealed = try JWERecipient(jwk: key.publicJWK).encrypt(SecretBytes([1, 2, 3]))
        for _ in 0..<1500 {
            let changed = Self.mutate(sealed, using: &generator)
            guard let opened = try? key.decrypt(changed) else { continue }
            // Only a change outside of the five members' values can be harmless, and then nothing else may come out.
            #expect(opened.copyBytes() == [1, 2, 3])
        }
    }

    @Test("changed tokens never verify to another payload")
    func tokens() throws {
        var generator = SeededGenerator(seed: 12)
        let key = try SigningKey.generate(.edDSA)
        let payload = Array(#"{"role":"user"}"#.utf8)
        let token = Array(try JWS.sign(header: ["typ": "JWT"], payload: payload, with: key).utf8)
        for _ in 0..<2000 {
            let text = String(decoding: Self.mutate(token, using: &generator), as: UTF8.self)
            guard let verified = try? JWS(compact: text).verify(with: key.verificationKey) else { continue }
            #expect(verified == payload)
        }
    }

    @Test("changed keys and key sets are read or refused, never more")
    func keys() throws {
        var generator = SeededGenerator(seed: 13)
        let seeds = try [
            JWEPrivateKey.generate().publicJWK, JWEPrivateKey.generate(.rsa2048).publicJWK,
            SigningKey.generate(.edDSA).publicJWK, SigningKey.generate(.es384).publicJWK,
        ].map { $0.serialized() }
        for round in 0..<2000 {
            let changed = Self.mutate(seeds[round % seeds.count], using: &generator)
            _ = try? JWKSet(json: Array("{\"keys\":[".utf8) + changed + Array("]}".utf8))
            guard let jwk = try? JSONObject(parsing: changed) else { continue }
            _ = try? JWERecipient(jwk: jwk, allowing: Set(KeyManagementAlgorithm.allCases))
            _ = try? VerificationKey(jwk: jwk)
            _ = try? JWKThumbprint.sha256(of: jwk)
        }
    }

    @Test("changed PEM texts are read or refused, never more")
    func pem() throws {
        var generator = SeededGenerator(seed: 14)
        let vectors = try Vectors.json("openssl-vectors")
        let seeds = try ["p256_private_sec1_pem", "p384_private_sec1_pem_with_parameters", "ed25519_private_pem"]
            .map { Array(try vectors.text($0).utf8) }
        for round in 0..<1500 {
            let text = String(decoding: Self.mutate(seeds[round % seeds.count], using: &generator), as: UTF8.self)
            _ = try? SigningKey(pem: text)
            _ = try? JWEPrivateKey(pem: text)
            _ = try? VerificationKey(pem: text)
        }
    }
}
