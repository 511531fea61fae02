import COpenSSL

extension Certificate {
    /// Whether the certificate is signed with this key, whatever the names, dates and extensions say.
    ///
    /// This is for the few systems whose issuers are no authorities in the sense of RFC 5280, such as IBM's signing key
    /// for host-key documents; all others verify a path. SHA-1 and keys below 112 bits of security sign nothing.
    public func isSigned(by key: PublicKey) -> Bool {
        defer { ERR_clear_error() }
        guard let key = key.makeKey() else { return false }
        defer { EVP_PKEY_free(key) }
        let certificate: OpaquePointer
        do throws(X509Error) { certificate = try DER.certificate(der) } catch { return false }
        defer { X509_free(certificate) }
        guard let algorithm = X509_get0_tbs_sigalg(certificate),
            DigestAlgorithm(identifier: claviger_signature_digest(algorithm)) != nil,
            EVP_PKEY_get_security_bits(key) >= 112, EVP_PKEY_get_bits(key) <= 8_192
        else { return false }
        return X509_verify(certificate, key) == 1
    }
}
