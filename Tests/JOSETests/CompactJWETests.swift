import Encodings
import Testing

@testable import JOSE

@Suite("JWE: compact serialisation")
struct CompactJWETests {
    @Test("a message is opened with its header, and the members of the sender are authenticated")
    func roundTrip() throws {
        let key = try JWEPrivateKey.generate(.ecP256)
        let text = try JWERecipient(jwk: key.publicJWK).encryptCompact(
            SecretBytes(Array("secret".utf8)), members: ["typ": "x", "alg": "none", "about": "a/b/c"])
        let (header, plaintext) = try key.decrypt(compact: text)
        #expect(plaintext == SecretBytes(Array("secret".utf8)))
        #expect(header["alg"] == "ECDH-ES+A256KW" && header["about"] == "a/b/c")
        #expect(try CompactJWE.unverifiedHeader(of: text) == header)
        var parts = text.split(separator: ".").map(String.init)
        var changed = header
        changed["about"] = "a/b/d"
        parts[0] = Base64.encodeURL(changed.serialized())
        #expect(throws: JOSEError.decryptionFailed) { try key.decrypt(compact: parts.joined(separator: ".")) }
    }

    @Test("a message with any part changed, missing or in another form is refused")
    func refused() throws {
        let key = try JWEPrivateKey.generate(.ecP256)
        let text = try JWERecipient(jwk: key.publicJWK).encryptCompact(SecretBytes([1, 2, 3]))
        let parts = text.split(separator: ".").map(String.init)
        for index in parts.indices {
            var bytes = try Base64.decodeURL(parts[index])
            for position in bytes.indices {
                bytes[position] ^= 1
                var changed = parts
                changed[index] = Base64.encodeURL(bytes)
                #expect(throws: JOSEError.self) { try key.decrypt(compact: changed.joined(separator: ".")) }
                bytes[position] ^= 1
            }
            var without = parts
            without.remove(at: index)
            #expect(throws: JOSEError.self) { try key.decrypt(compact: without.joined(separator: ".")) }
        }
        for other in ["", text + ".", text + "=", " " + text, "....", String(repeating: "a", count: 2 << 20)] {
            #expect(throws: JOSEError.self) { try key.decrypt(compact: other) }
        }
    }
}
