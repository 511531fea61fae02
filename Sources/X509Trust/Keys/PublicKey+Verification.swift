import COpenSSL

extension PublicKey {
    /// Whether `signature` was made over `message` with this key's private half.
    ///
    /// Keys of another kind than the algorithm's verify nothing, nor do RSA keys of less than 2048 or more than 8192
    /// bits or whose exponent is even or below 3.
    public func isValid(
        signature: [UInt8], over message: [UInt8], _ algorithm: SignatureAlgorithm
    ) -> Bool {
        defer { ERR_clear_error() }
        guard algorithm.fits(kind), isStrong, let signature = encoded(signature, algorithm), let key = makeKey()
        else { return false }
        defer { EVP_PKEY_free(key) }
        // The two contexts are freed by hand because neither owns the other once they are joined.
        guard let keyContext = EVP_PKEY_CTX_new(key, nil) else { return false }
        defer { EVP_PKEY_CTX_free(keyContext) }
        guard let context = EVP_MD_CTX_new() else { return false }
        defer { EVP_MD_CTX_free(context) }
        guard identify(keyContext, algorithm) else { return false }
        EVP_MD_CTX_set_pkey_ctx(context, keyContext)
        guard EVP_DigestVerifyInit(context, nil, algorithm.digest.function, nil, key) == 1,
            setPadding(keyContext, algorithm)
        else { return false }
        return EVP_DigestVerify(context, signature, signature.count, message, message.count) == 1
    }

    /// The key as OpenSSL's object, to be freed with `EVP_PKEY_free`; `nil` for a key of another kind.
    ///
    /// Reading the SubjectPublicKeyInfo again would take several times as long as an RSA signature.
    func makeKey() -> OpaquePointer? {
        switch kind {
        case .rsa:
            guard let (modulus, exponent) = rsaNumbers else { return nil }
            return claviger_rsa_key(modulus, Int32(modulus.count), exponent, Int32(exponent.count))
        case .ec(let curve):
            guard let point = x963 else { return nil }
            return claviger_point_key("EC", curve.openSSLName, point, point.count)
        case .sm2:
            guard let point = x963 else { return nil }
            return claviger_point_key("SM2", "SM2", point, point.count)
        case .other: return nil
        }
    }

    /// The modulus and the exponent in the BIT STRING of the key, big-endian (RFC 8017 appendix A.1.1).
    private var rsaNumbers: (modulus: [UInt8], exponent: [UInt8])? {
        guard let content = DER.first(spki[...])?.content, let algorithm = DER.first(content)?.element,
            let bits = DER.first(content[algorithm.endIndex...])?.content, bits.first == 0,
            let numbers = DER.first(bits.dropFirst())?.content, let modulus = DER.first(numbers),
            let exponent = DER.first(numbers[modulus.element.endIndex...])
        else { return nil }
        return (Array(modulus.content), Array(exponent.content))
    }

    var isStrong: Bool {
        guard case .rsa(let bits, let exponent) = kind else { return true }
        guard (2048...8192).contains(bits), let exponent else { return false }
        return exponent >= 3 && exponent & 1 == 1
    }

    /// The signature as OpenSSL wants it, or `nil` when raw halves have another length than the key's.
    private func encoded(_ signature: [UInt8], _ algorithm: SignatureAlgorithm) -> [UInt8]? {
        let half: Int
        switch (algorithm, kind) {
        case (.ecdsaRaw, .ec(let curve)): half = curve.coordinateByteCount
        case (.sm2Raw, _): half = 32
        default: return signature
        }
        guard signature.count == 2 * half else { return nil }
        return DER.sequence(DER.integer(Array(signature[..<half])) + DER.integer(Array(signature[half...])))
    }

    private func identify(_ context: OpaquePointer, _ algorithm: SignatureAlgorithm) -> Bool {
        switch algorithm {
        case .sm2(let userID), .sm2Raw(let userID):
            // GB/T 32918.2 counts the identity's bits in two bytes.
            return userID.count < 8192 && EVP_PKEY_CTX_set1_id(context, userID, Int32(userID.count)) == 1
        case .rsaPKCS1, .rsaPSS, .ecdsa, .ecdsaRaw: return true
        }
    }

    private func setPadding(_ context: OpaquePointer, _ algorithm: SignatureAlgorithm) -> Bool {
        switch algorithm {
        case .rsaPSS:
            return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1
                && EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1
        case .rsaPKCS1: return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1
        case .ecdsa, .ecdsaRaw, .sm2, .sm2Raw: return true
        }
    }
}
