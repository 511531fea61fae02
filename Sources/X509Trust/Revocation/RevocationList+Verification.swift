import COpenSSL

extension RevocationList {
    /// Verifies that the list was made and signed by this issuer, whose certificate must let it do so where it says what
    /// its key is for.
    ///
    /// Throws `revocation_list_not_trusted`.
    public func verify(issuer: Certificate) throws(X509Error) {
        defer { ERR_clear_error() }
        let certificate = try DER.certificate(issuer.der)
        defer { X509_free(certificate) }
        guard let list = DER.revocationList(der) else { throw .malformedRevocationList }
        defer { X509_CRL_free(list) }
        guard X509_NAME_cmp(X509_CRL_get_issuer(list), X509_get_subject_name(certificate)) == 0 else {
            throw refusal("it is of \(self.issuer.prefix(200)) and not of \(issuer.subject.prefix(200))")
        }
        let flags = X509_get_extension_flags(certificate)
        guard flags & UInt32(EXFLAG_INVALID) == 0,
            flags & UInt32(EXFLAG_KUSAGE) == 0 || X509_get_key_usage(certificate) & UInt32(KU_CRL_SIGN) != 0
        else { throw refusal("its issuer may not sign revocation lists") }
        guard let key = X509_get0_pubkey(certificate), isSigned(list, by: key) else {
            throw refusal("its signature is not its issuer's")
        }
    }

    /// Whether the list is signed with this key, whatever the name of its issuer.
    public func isSigned(by key: PublicKey) -> Bool {
        defer { ERR_clear_error() }
        guard let key = key.makeKey() else { return false }
        defer { EVP_PKEY_free(key) }
        guard let list = DER.revocationList(der) else { return false }
        defer { X509_CRL_free(list) }
        return isSigned(list, by: key)
    }

    private func isSigned(_ list: OpaquePointer, by key: OpaquePointer) -> Bool {
        var signature: UnsafePointer<ASN1_BIT_STRING>?
        var algorithm: UnsafePointer<X509_ALGOR>?
        X509_CRL_get0_signature(list, &signature, &algorithm)
        guard let signature, let algorithm, let signed = signedBytes,
            DigestAlgorithm(identifier: claviger_signature_digest(algorithm)) != nil,
            EVP_PKEY_get_security_bits(key) >= 112, let identity = DER.sm2Identity()
        else { return false }
        defer { ASN1_STRING_free(identity) }
        let isSM2 = X509_CRL_get_signature_nid(list) == NID_SM2_with_SM3
        return claviger_verify_bytes(
            signed, Int32(clamping: signed.count), algorithm, signature, isSM2 ? identity : nil, key) == 1
    }

    /// The bytes that are signed, as they came; `nil` when the algorithm inside of them is another than the one outside,
    /// which OpenSSL compares only in certificates.
    private var signedBytes: [UInt8]? {
        guard let outer = DER.first(der[...])?.content, let signed = DER.first(outer),
            let outerAlgorithm = DER.first(outer[signed.element.endIndex...])?.element,
            var inner = DER.first(signed.content)
        else { return nil }
        // A version stands before the algorithm in lists of version 2 (RFC 5280 section 5.1.2).
        if inner.element.first == 0x02, let next = DER.first(signed.content[inner.element.endIndex...]) { inner = next }
        return inner.element == outerAlgorithm ? Array(signed.element) : nil
    }

    private func refusal(_ reason: String) -> X509Error {
        X509Error(code: "revocation_list_not_trusted", message: "The revocation list is not trusted: \(reason).")
    }
}
