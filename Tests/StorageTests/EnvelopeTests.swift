import Crypto
import Encodings
import Foundation
import Testing

@testable import Storage

@Suite("Envelope encryption")
struct EnvelopeTests {
    private let keys = KeyEncryptionKeyRing.generate()

    @Test("what is sealed opens under the same purpose and fields")
    func roundTrip() throws {
        for count in [0, 1, 16, 4096] {
            let secret = SecretBytes.random(count: count)
            let sealed = try keys.seal(secret, purpose: .challengeCookie, fields: [[1], []])
            #expect(try keys.open(sealed, purpose: .challengeCookie, fields: [[1], []]) == secret)
        }
    }

    @Test("every changed bit of a sealed message makes it corrupt")
    func tampering() throws {
        let sealed = try keys.seal(SecretBytes([1, 2, 3]), purpose: .session, fields: [[7]])
        for index in sealed.indices {
            var changed = sealed
            changed[index] ^= 1
            expect(.corrupt) { () throws(StorageError) in _ = try keys.open(changed, purpose: .session, fields: [[7]]) }
        }
        for count in 0..<sealed.count {
            expect(.corrupt) { () throws(StorageError) in
                _ = try keys.open(Array(sealed.prefix(count)), purpose: .session, fields: [[7]])
            }
        }
    }

    @Test("A40: a resource version does not open at another path, tenant or version")
    func transplant() throws {
        let envelope = ResourceEnvelope(keys: keys)
        let secret = SecretBytes.random(count: 32)
        let (wrappedKey, ciphertext) = try envelope.seal(secret, path: "a/b/c", tenant: "a", version: 3)
        func at(_ path: String, _ tenant: String, _ version: Int) -> SealedResource {
            SealedResource(
                path: path, tenant: tenant, version: version, contentType: nil, wrappedKey: wrappedKey,
                ciphertext: ciphertext)
        }
        #expect(try envelope.open(at("a/b/c", "a", 3)) == secret)
        for moved in [at("a/b/d", "a", 3), at("a/b/c", "b", 3), at("a/b/c", "a", 4), at("/b/c", "aa", 3)] {
            expect(.corrupt) { () throws(StorageError) in _ = try envelope.open(moved) }
        }
    }

    @Test("A40: a wrapped key and a ciphertext of different versions do not open together")
    func mixedRows() throws {
        let envelope = ResourceEnvelope(keys: keys)
        let first = try envelope.seal(SecretBytes([1]), path: "a/b/c", tenant: "a", version: 1)
        let second = try envelope.seal(SecretBytes([2]), path: "a/b/c", tenant: "a", version: 2)
        let mixed = SealedResource(
            path: "a/b/c", tenant: "a", version: 2, contentType: nil, wrappedKey: second.wrappedKey,
            ciphertext: first.ciphertext)
        expect(.corrupt) { () throws(StorageError) in _ = try envelope.open(mixed) }
    }

    @Test("A41: different lists of fields never have the same bytes, however the same text is cut")
    func injectiveContexts() {
        let text = Array("claviger.storage session/a/b/c".utf8)
        var seen: [[UInt8]: [[UInt8]]] = [:]
        for first in 0...text.count {
            for second in first...text.count {
                let fields = [Array(text[..<first]), Array(text[first..<second]), Array(text[second...])]
                for list in [fields, Array(fields.dropLast()), fields + [[]]] {
                    let bytes = BoundContext(.resourceKey, list).bytes
                    #expect(seen[bytes] == nil || seen[bytes] == list)
                    seen[bytes] = list
                }
            }
        }
    }

    @Test("A41: random lists of fields and purposes give different keys unless they are equal")
    func randomContexts() throws {
        var generator = SystemRandomNumberGenerator()
        func randomField() -> [UInt8] {
            (0..<Int.random(in: 0...3, using: &generator)).map { _ in UInt8.random(in: 0...2, using: &generator) }
        }
        func randomContext() -> (String, [[UInt8]]) {
            (
                ["a", "ab", "", "a\u{0}"].randomElement(using: &generator) ?? "",
                (0..<Int.random(in: 0...3, using: &generator)).map { _ in randomField() }
            )
        }
        for _ in 0..<3000 {
            let (left, right) = (randomContext(), randomContext())
            let isSame = left.0 == right.0 && left.1 == right.1
            let bytes = [left, right].map { BoundContext(KeyPurpose($0.0), $0.1).bytes }
            #expect((bytes[0] == bytes[1]) == isSame)
        }
    }

    @Test("A41: no salt in a stored message leads to a key that is handed out for the same purpose")
    func derivedKeysApart() throws {
        let context = BoundContext(.challengeCookie, [])
        let derived = try keys.derive(purpose: .challengeCookie)
        let box = try AES.GCM.seal([1, 2, 3] as [UInt8], using: derived, authenticating: context.bytes)
        for text in ["claviger derive", "claviger key derived for a purpose of its own", ""] {
            let salt = Array(text.utf8.prefix(32)) + [UInt8](repeating: 0, count: max(0, 32 - text.utf8.count))
            let forged = SealedMessage(
                keyID: keys.currentKeyID, salt: salt, box: Array(try #require(box.combined))[...])
            expect(.corrupt) { () throws(StorageError) in
                _ = try keys.open(forged.serialized(), purpose: .challengeCookie)
            }
        }
    }

    @Test("A41: a workload that is named like an internal purpose does not get that purpose's key")
    func internalPurposes() throws {
        let workload = KeyPurpose("workload")
        let internalKey = try keys.derive(purpose: .signingKey)
        for name in [KeyPurpose.signingKey.name, "", "0_vault_unsealing"] {
            #expect(try keys.derive(purpose: workload, fields: [Array(name.utf8)]) != internalKey)
            #expect(try keys.derive(purpose: KeyPurpose("workload" + name)) != internalKey)
        }
        #expect(try keys.derive(purpose: .signingKey) == internalKey)
        #expect(try keys.derive(purpose: .signingKey, fields: [[]]) != internalKey)
    }

    @Test("A42: no data key, salt or nonce appears twice in many writes of the same value")
    func freshKeys() throws {
        let envelope = ResourceEnvelope(keys: keys)
        let secret = SecretBytes([UInt8](repeating: 7, count: 32))
        var wrapped: Set<[UInt8]> = []
        var nonces: Set<[UInt8]> = []
        var bodies: Set<[UInt8]> = []
        let count = 2000
        for _ in 0..<count {
            let sealed = try envelope.seal(secret, path: "a/b/c", tenant: "a", version: 1)
            wrapped.insert(try SealedMessage(sealed.wrappedKey).salt)
            nonces.insert(Array(sealed.ciphertext.prefix(12)))
            bodies.insert(Array(sealed.ciphertext.dropFirst(12)))
        }
        #expect(wrapped.count == count)
        #expect(nonces.count == count)
        #expect(bodies.count == count)
    }

    @Test("a rotated ring still opens what the old key sealed, and the old ring opens nothing new")
    func rotation() throws {
        let rotated = keys.rotated()
        let old = try keys.seal(SecretBytes([1]), purpose: .session)
        let new = try rotated.seal(SecretBytes([2]), purpose: .session)
        #expect(try rotated.open(old, purpose: .session) == SecretBytes([1]))
        expect(.corrupt) { () throws(StorageError) in _ = try keys.open(new, purpose: .session) }
        #expect(rotated.keyIDs == [rotated.currentKeyID, keys.currentKeyID])
    }
}

@Suite("The key ring's file")
struct KeyRingFileTests {
    private func temporaryPath() -> String {
        FileManager.default.temporaryDirectory.path + "/claviger-keys-\(UUID().uuidString)"
    }

    @Test("a written ring is read back, its file is its owner's alone, and it is never written over")
    func writeAndRead() throws {
        let path = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        let keys = KeyEncryptionKeyRing.generate().rotated()
        try keys.write(toNewFile: path)
        let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
        #expect(mode == 0o600)
        let read = try KeyEncryptionKeyRing(file: path)
        #expect(read.keyIDs == keys.keyIDs)
        let sealed = try keys.seal(SecretBytes([5]), purpose: .session)
        #expect(try read.open(sealed, purpose: .session) == SecretBytes([5]))
        expect(.invalid) { () throws(StorageError) in try keys.write(toNewFile: path) }
    }

    @Test("a ring that everybody can read is refused", arguments: [0o604, 0o644, 0o606])
    func openFile(mode: Int) throws {
        let path = temporaryPath()
        defer { try? FileManager.default.removeItem(atPath: path) }
        try KeyEncryptionKeyRing.generate().write(toNewFile: path)
        try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: path)
        expect(.invalid) { () throws(StorageError) in _ = try KeyEncryptionKeyRing(file: path) }
    }

    @Test(
        "malformed rings are refused and their content is not repeated",
        arguments: [
            "", "# nothing\n", "abc\n", "a:AAAA\n", ":\(Base64.encode([UInt8](repeating: 1, count: 32)))\n",
            "a b:\(Base64.encode([UInt8](repeating: 1, count: 32)))\n", "a:not base64!\n",
            "a:\(Base64.encode([UInt8](repeating: 1, count: 32)))\na:\(Base64.encode([UInt8](repeating: 2, count: 32)))\n",
        ])
    func malformed(text: String) {
        do throws(StorageError) {
            _ = try KeyEncryptionKeyRing(parsing: Array(text.utf8))
            Issue.record("a malformed ring was accepted")
        } catch {
            #expect(error.code == .invalid)
            #expect(!error.message.contains("AAAA") && !error.message.contains("AQEB"))
        }
    }

    @Test("comments, empty lines and carriage returns are skipped, the first key is current")
    func comments() throws {
        let (one, two) = (
            Base64.encode([UInt8](repeating: 1, count: 32)), Base64.encode([UInt8](repeating: 2, count: 32))
        )
        let ring = try KeyEncryptionKeyRing(parsing: Array("# mine\r\n\nnew:\(one)\r\nold:\(two)".utf8))
        #expect(ring.keyIDs == ["new", "old"])
        #expect(ring.currentKeyID == "new")
    }
}
