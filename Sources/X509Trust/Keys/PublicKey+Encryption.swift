import COpenSSL

extension PublicKey {
    /// A short message that only the holder of this RSA key's private half can read: RSAES-OAEP (RFC 8017 section 7.1), with
    /// one function for the label's hash and the mask.
    ///
    /// Throws `key_not_allowed` for a key that is not RSA of 2048 to 8192 bits with an odd exponent, and `openssl_failure`,
    /// which a message that is too long for the key gives too.
    public func encryptOAEP(
        _ message: [UInt8], hash: DigestAlgorithm, label: [UInt8] = []
    ) throws(X509Error) -> [UInt8] {
        defer { ERR_clear_error() }
        guard case .rsa = kind, isStrong, let key = makeKey() else {
            throw X509Error(
                code: "key_not_allowed", message: "Only RSA keys of 2048 to 8192 bits can be encrypted to.")
        }
        defer { EVP_PKEY_free(key) }
        let context = try X509Error.require(EVP_PKEY_CTX_new(key, nil), "encrypt to a key")
        defer { EVP_PKEY_CTX_free(context) }
        try X509Error.require(EVP_PKEY_encrypt_init(context), "encrypt to a key")
        try Self.setOAEP(context, hash, label)
        var ciphertext = [UInt8](repeating: 0, count: Int(EVP_PKEY_get_size(key)))
        var count = ciphertext.count
        try X509Error.require(
            EVP_PKEY_encrypt(context, &ciphertext, &count, message, message.count), "encrypt to a key")
        return Array(ciphertext.prefix(count))
    }

    /// Makes a context for encryption one for OAEP.
    package static func setOAEP(
        _ context: OpaquePointer, _ hash: DigestAlgorithm, _ label: [UInt8]
    ) throws(X509Error) {
        try X509Error.require(EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING), "set the padding")
        try X509Error.require(EVP_PKEY_CTX_set_rsa_oaep_md(context, hash.function), "set the padding")
        try X509Error.require(EVP_PKEY_CTX_set_rsa_mgf1_md(context, hash.function), "set the padding")
        guard !label.isEmpty else { return }
        // The context takes the memory over, so that it must be OpenSSL's.
        guard let copy = CRYPTO_malloc(label.count, nil, 0) else { throw .failed("set the label") }
        label.withUnsafeBytes { if let start = $0.baseAddress { copy.copyMemory(from: start, byteCount: $0.count) } }
        guard EVP_PKEY_CTX_set0_rsa_oaep_label(context, copy, Int32(label.count)) == 1 else {
            CRYPTO_free(copy, nil, 0)
            throw .failed("set the label")
        }
    }
}
