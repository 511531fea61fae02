import COpenSSL
public import X509Trust

/// What went wrong while test input was made.
public struct TestInputError: Error, CustomStringConvertible {
    /// What could not be done.
    public let description: String

    init(_ description: String) { self.description = description }
}

/// A private key for tests and the simulator; its public half may stand in certificates.
public struct TestKey: Sendable {
    /// What to generate.
    public enum Kind: Sendable, Hashable {
        /// ECDSA on a curve of NIST.
        case ec(PublicKey.Curve)
        /// RSA of so many bits.
        case rsa(Int)
        /// SM2.
        case sm2
    }

    /// The public half.
    public let publicKey: PublicKey
    private let pkcs8: [UInt8]

    /// A new key.
    public static func generate(_ kind: Kind) throws -> TestKey {
        let key =
            switch kind {
            case .ec(.p256): claviger_generate_ec("P-256")
            case .ec(.p384): claviger_generate_ec("P-384")
            case .ec(.p521): claviger_generate_ec("P-521")
            case .rsa(let bits): claviger_generate_rsa(bits)
            case .sm2: claviger_generate_sm2()
            }
        return try TestKey(owning: key)
    }

    /// The key in a PEM text that is not encrypted.
    public init(pem: String) throws {
        let text = Array(pem.utf8)
        let key = text.withUnsafeBufferPointer { buffer -> OpaquePointer? in
            guard let bio = claviger_bio_memory(buffer.baseAddress, Int32(buffer.count)) else { return nil }
            defer { BIO_free(bio) }
            return PEM_read_bio_PrivateKey(bio, nil, { _, _, _, _ in 0 }, nil)
        }
        try self.init(owning: key)
    }

    private init(owning key: OpaquePointer?) throws {
        guard let key else { throw TestInputError("no key was made") }
        defer { EVP_PKEY_free(key) }
        publicKey = try PublicKey(spki: Self.encode { i2d_PUBKEY(key, $0) })
        guard let info = EVP_PKEY2PKCS8(key) else { throw TestInputError("no PKCS#8 was made") }
        defer { PKCS8_PRIV_KEY_INFO_free(info) }
        pkcs8 = try Self.encode { i2d_PKCS8_PRIV_KEY_INFO(info, $0) }
    }

    /// The algorithm that certificates are usually signed with by such a key.
    public var usualAlgorithm: SignatureAlgorithm {
        switch publicKey.kind {
        case .rsa: .rsaPKCS1(.sha256)
        case .ec(.p384): .ecdsa(.sha384)
        case .ec(.p521): .ecdsa(.sha512)
        case .ec(.p256), .other: .ecdsa(.sha256)
        case .sm2: .sm2(userID: SignatureAlgorithm.sm2DefaultUserID)
        }
    }

    /// A signature over some bytes.
    public func sign(_ message: [UInt8], _ algorithm: SignatureAlgorithm) throws -> [UInt8] {
        let digest: DigestAlgorithm
        var userID: [UInt8]?
        var isPSS = false
        switch algorithm {
        case .rsaPKCS1(let chosen), .ecdsa(let chosen), .ecdsaRaw(let chosen): digest = chosen
        case .rsaPSS(let chosen):
            digest = chosen
            isPSS = true
        case .sm2(let chosen), .sm2Raw(let chosen):
            digest = .sm3
            userID = chosen
        }
        let signature = try sign(message, digest, isPSS: isPSS, userID: userID)
        switch algorithm {
        case .ecdsaRaw: return try raw(signature)
        case .sm2Raw: return try raw(signature)
        default: return signature
        }
    }

    private func sign(
        _ message: [UInt8], _ digest: DigestAlgorithm, isPSS: Bool, userID: [UInt8]?
    ) throws -> [UInt8] {
        guard let key = read(), let keyContext = EVP_PKEY_CTX_new(key, nil), let context = EVP_MD_CTX_new() else {
            throw TestInputError("the key cannot be read")
        }
        defer {
            EVP_MD_CTX_free(context)
            EVP_PKEY_CTX_free(keyContext)
            EVP_PKEY_free(key)
        }
        if let userID { EVP_PKEY_CTX_set1_id(keyContext, userID, Int32(userID.count)) }
        EVP_MD_CTX_set_pkey_ctx(context, keyContext)
        guard EVP_DigestSignInit(context, nil, EVP_get_digestbyname(digest.rawValue), nil, key) == 1 else {
            throw TestInputError("signing cannot begin")
        }
        if isPSS {
            EVP_PKEY_CTX_set_rsa_padding(keyContext, RSA_PKCS1_PSS_PADDING)
            EVP_PKEY_CTX_set_rsa_pss_saltlen(keyContext, RSA_PSS_SALTLEN_DIGEST)
        }
        var signature = [UInt8](repeating: 0, count: Int(EVP_PKEY_get_size(key)))
        var count = signature.count
        guard EVP_DigestSign(context, &signature, &count, message, message.count) == 1 else {
            throw TestInputError("nothing was signed")
        }
        return Array(signature.prefix(count))
    }

    /// What was encrypted to this RSA key with OAEP.
    public func decryptOAEP(_ ciphertext: [UInt8], hash: DigestAlgorithm, label: [UInt8] = []) throws -> [UInt8] {
        guard let key = read(), let context = EVP_PKEY_CTX_new(key, nil) else {
            throw TestInputError("the key cannot be read")
        }
        defer {
            EVP_PKEY_CTX_free(context)
            EVP_PKEY_free(key)
            ERR_clear_error()
        }
        guard EVP_PKEY_decrypt_init(context) == 1 else { throw TestInputError("decryption cannot begin") }
        try PublicKey.setOAEP(context, hash, label)
        var message = [UInt8](repeating: 0, count: Int(EVP_PKEY_get_size(key)))
        var count = message.count
        guard EVP_PKEY_decrypt(context, &message, &count, ciphertext, ciphertext.count) == 1 else {
            throw TestInputError("the ciphertext is not for this key")
        }
        return Array(message.prefix(count))
    }

    private func read() -> OpaquePointer? {
        pkcs8.withUnsafeBufferPointer { buffer in
            var cursor: UnsafePointer<UInt8>? = buffer.baseAddress
            return d2i_AutoPrivateKey(nil, &cursor, buffer.count)
        }
    }

    /// r and s one after the other.
    private func raw(_ signature: [UInt8]) throws -> [UInt8] {
        let half: Int
        switch publicKey.kind {
        case .ec(let curve): half = curve.coordinateByteCount
        default: half = 32
        }
        guard let halves = DER.first(signature[...])?.content, let first = DER.first(halves),
            let second = DER.first(halves[first.element.endIndex...])
        else { throw TestInputError("the signature is no sequence") }
        return [first.content, second.content].flatMap { number in
            let digits = number.drop { $0 == 0 }
            return [UInt8](repeating: 0, count: half - digits.count) + digits
        }
    }

    private static func encode(
        _ write: (UnsafeMutablePointer<UnsafeMutablePointer<UInt8>?>?) -> Int32
    ) throws -> [UInt8] {
        try DER.encode("encode a key", write)
    }
}
