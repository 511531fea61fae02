import COpenSSL
import Encodings

/// A P-256 key that signs certificates. It is kept as PEM in memory that wipes itself, never as an OpenSSL object.
struct SigningKeyPair: Sendable {
    private let encoded: SecretBytes
    /// The public half as SubjectPublicKeyInfo.
    let publicKeyDER: [UInt8]

    static func generate() throws(X509Error) -> SigningKeyPair {
        let key = try X509Error.require(claviger_generate_ec("P-256"), "generate a key")
        defer { EVP_PKEY_free(key) }
        return try SigningKeyPair(key)
    }

    /// Reads a PKCS#8 or SEC 1 key that is not encrypted. Throws `malformed_key`.
    init(pem: SecretBytes) throws(X509Error) {
        guard let key = Self.read(pem) else {
            throw X509Error(code: "malformed_key", message: "The text is no unencrypted private key.")
        }
        defer { EVP_PKEY_free(key) }
        try self.init(key)
    }

    private init(_ key: OpaquePointer) throws(X509Error) {
        guard EVP_PKEY_is_a(key, "EC") == 1, EVP_PKEY_get_bits(key) == 256 else {
            throw X509Error(code: "malformed_key", message: "The key is no P-256 key.")
        }
        publicKeyDER = try DER.encode("encode a public key") { i2d_PUBKEY(key, $0) }
        encoded = try Self.write(key)
    }

    var pem: SecretBytes { encoded }

    /// Runs `body` with the key as an OpenSSL object that is freed afterwards.
    func withKey(_ body: (OpaquePointer) throws(X509Error) -> Void) throws(X509Error) {
        let key = try X509Error.require(Self.read(encoded), "read a key")
        defer { EVP_PKEY_free(key) }
        try body(key)
    }

    private static func read(_ pem: SecretBytes) -> OpaquePointer? {
        pem.withUnsafeBytes { bytes in
            guard let bio = claviger_bio_memory(bytes.baseAddress, Int32(clamping: bytes.count)) else { return nil }
            defer { BIO_free(bio) }
            // Without a callback OpenSSL would ask the terminal for the password of an encrypted key.
            return PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in 0 }, nil)
        }
    }

    private static func write(_ key: OpaquePointer) throws(X509Error) -> SecretBytes {
        let bio = try X509Error.require(BIO_new(BIO_s_mem()), "write a key")
        // Freeing a memory BIO wipes what it holds.
        defer { BIO_free(bio) }
        try X509Error.require(PEM_write_bio_PKCS8PrivateKey(bio, key, nil, nil, 0, nil, nil), "write a key")
        var start: UnsafeMutablePointer<CChar>?
        let count = claviger_bio_contents(bio, &start)
        guard count > 0, let start else { throw .failed("write a key") }
        return SecretBytes(copying: UnsafeRawBufferPointer(start: start, count: count))
    }
}
