import Encodings
import Foundation
import OCIEncryption
import Testing

@Suite("layer cipher")
struct LayerCipherTests {
    private let key = SecretBytes((0..<32).map { UInt8($0) })

    private func encrypt(_ plaintext: [UInt8], nonce: [UInt8], chunk: Int) throws -> (bytes: [UInt8], code: [UInt8]) {
        var cipher = try LayerEncryptor(key: key, nonce: nonce)
        var output: [UInt8] = []
        for start in stride(from: 0, to: plaintext.count, by: chunk) {
            output += try cipher.encrypt(Array(plaintext[start..<min(start + chunk, plaintext.count)]))
        }
        return (output, cipher.authenticationCode())
    }

    @Test("counter mode matches NIST SP 800-38A F.5.5, also over chunk borders", arguments: [1, 5, 15, 16, 17, 64])
    func standardVector(chunk: Int) throws {
        let key = SecretBytes(try Hex.decode("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"))
        let plaintext = try Hex.decode(
            "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"
                + "30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710")
        var cipher = try LayerEncryptor(key: key, nonce: Hex.decode("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"))
        var output: [UInt8] = []
        for start in stride(from: 0, to: plaintext.count, by: chunk) {
            output += try cipher.encrypt(Array(plaintext[start..<min(start + chunk, plaintext.count)]))
        }
        #expect(
            Hex.encode(output)
                == "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
                + "2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6")
    }

    @Test("the counter carries through all 128 bits")
    func counterCarry() throws {
        let plaintext = [UInt8](repeating: 0, count: 96)
        let whole = try encrypt(plaintext, nonce: [UInt8](repeating: 0xFF, count: 16), chunk: 96)
        let pieces = try encrypt(plaintext, nonce: [UInt8](repeating: 0xFF, count: 16), chunk: 16)
        #expect(whole.bytes == pieces.bytes)
        // After the last counter comes zero.
        let zero = try encrypt([UInt8](repeating: 0, count: 80), nonce: [UInt8](repeating: 0, count: 16), chunk: 80)
        #expect(Array(whole.bytes[16...]) == zero.bytes)
    }

    @Test("GC 66: a layer of any size comes back whole", arguments: [0, 1, 15, 16, 17, 1000, 100_003])
    func roundTrip(size: Int) throws {
        let plaintext = Fixtures.randomBytes(size)
        let nonce = Fixtures.randomBytes(16)
        let encrypted = try encrypt(plaintext, nonce: nonce, chunk: 4099)
        let options = PrivateLayerOptions(key: key, plaintextDigest: BlobDigest(of: plaintext), nonce: nonce)
        var cipher = try LayerDecryptor(
            privateOptions: options, publicOptions: PublicLayerOptions(authenticationCode: encrypted.code))
        var output: [UInt8] = []
        for start in stride(from: 0, to: size, by: 1023) {
            output += try cipher.decrypt(Array(encrypted.bytes[start..<min(start + 1023, size)]))
        }
        try cipher.verify()
        #expect(output == plaintext)
    }

    @Test("GC 66: one changed bit of ciphertext, HMAC or key fails")
    func tampering() async throws {
        let nonce = Fixtures.randomBytes(16)
        let encrypted = try encrypt(Fixtures.randomBytes(200), nonce: nonce, chunk: 200)
        func verify(_ bytes: [UInt8], _ code: [UInt8], _ key: SecretBytes) async throws -> ImageEncryptionError.Code? {
            let options = PrivateLayerOptions(key: key, plaintextDigest: BlobDigest(of: []), nonce: nonce)
            var cipher = try LayerDecryptor(
                privateOptions: options, publicOptions: PublicLayerOptions(authenticationCode: code))
            _ = try cipher.decrypt(bytes)
            return try await imageError { try cipher.verify() }
        }
        #expect(try await verify(encrypted.bytes, encrypted.code, key) == nil)
        for position in [0, 99, 199] {
            var bytes = encrypted.bytes
            bytes[position] ^= 0x80
            #expect(try await verify(bytes, encrypted.code, key) == .authenticationFailed)
        }
        var code = encrypted.code
        code[31] ^= 1
        #expect(try await verify(encrypted.bytes, code, key) == .authenticationFailed)
        #expect(try await verify(encrypted.bytes, Array(encrypted.code.dropLast()), key) == .authenticationFailed)
        #expect(try await verify(encrypted.bytes, [], key) == .authenticationFailed)
        #expect(try await verify(encrypted.bytes, encrypted.code, .random(count: 32)) == .authenticationFailed)
        #expect(try await verify(encrypted.bytes.dropLast(), encrypted.code, key) == .authenticationFailed)
    }

    @Test("keys and nonces of other sizes and other ciphers are refused")
    func wrongSizes() throws {
        #expect(throws: ImageEncryptionError.self) {
            try LayerEncryptor(key: .random(count: 16), nonce: Fixtures.randomBytes(16))
        }
        #expect(throws: ImageEncryptionError.self) { try LayerEncryptor(key: key, nonce: Fixtures.randomBytes(12)) }
        let options = PrivateLayerOptions(key: key, plaintextDigest: BlobDigest(of: []), nonce: nil)
        #expect(throws: ImageEncryptionError.self) {
            try LayerDecryptor(
                privateOptions: options, publicOptions: PublicLayerOptions(authenticationCode: Fixtures.randomBytes(32))
            )
        }
        let foreign = try PublicLayerOptions(parsing: Array(#"{"cipher":"AES_128","hmac":"","cipheroptions":{}}"#.utf8))
        #expect(throws: ImageEncryptionError.self) {
            try LayerDecryptor(privateOptions: options, publicOptions: foreign)
        }
    }
}
