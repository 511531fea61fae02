import COpenSSL
public import FoundationEssentials

/// Building a chain from a certificate to an anchor (RFC 5280 section 6).
public enum CertificateChain {
    /// The greatest number of intermediates between a certificate and its anchor.
    static let maximumDepth: Int32 = 8
    /// The greatest number of certificates that a caller may hand in.
    static let maximumCertificates = 512

    /// Verifies that `leaf` leads to a self-signed certificate among `anchors`, over any of `intermediates` and of the
    /// other anchors, each valid at `date`; all certificates are DER.
    ///
    /// Keys and signatures must reach security level 1 of OpenSSL (80 bits), which SHA-1 signatures do not. Nothing is
    /// fetched, and revocation is not looked at. Every issuer must say that it may issue certificates.
    /// Throws `no_anchor`, `malformed_certificate`, `certificate_expired`, `certificate_not_yet_valid` and
    /// `chain_not_trusted`.
    @discardableResult
    public static func verify(
        leaf: [UInt8], intermediates: [[UInt8]] = [], anchors: [[UInt8]], at date: Date
    ) throws(X509Error) -> Certificate {
        defer { ERR_clear_error() }
        guard !anchors.isEmpty else {
            throw X509Error(code: "no_anchor", message: "No certificate is trusted, so none can be verified.")
        }
        guard intermediates.count <= maximumCertificates, anchors.count <= maximumCertificates else {
            throw X509Error(code: "chain_not_trusted", message: "There are too many certificates to choose from.")
        }
        let certificate = try DER.certificate(leaf)
        defer { X509_free(certificate) }
        let store = try X509Error.require(X509_STORE_new(), "make a store")
        defer { X509_STORE_free(store) }
        for anchor in anchors { try add(anchor, toStore: store) }
        let untrusted = try X509Error.require(claviger_x509_stack_new(), "make a list")
        defer { claviger_x509_stack_free_all(untrusted) }
        for intermediate in intermediates { try push(intermediate, onto: untrusted) }
        try verify(certificate, untrusted: untrusted, store: store, at: date)
        return try Certificate(der: leaf)
    }

    private static func add(_ der: [UInt8], toStore store: OpaquePointer) throws(X509Error) {
        let certificate = try DER.certificate(der)
        // The store holds a reference of its own.
        defer { X509_free(certificate) }
        try X509Error.require(X509_STORE_add_cert(store, certificate), "trust a certificate")
    }

    private static func push(_ der: [UInt8], onto stack: OpaquePointer) throws(X509Error) {
        let certificate = try DER.certificate(der)
        guard claviger_x509_stack_push(stack, certificate) > 0 else {
            X509_free(certificate)
            throw .failed("collect certificates")
        }
    }

    private static func verify(
        _ certificate: OpaquePointer, untrusted: OpaquePointer, store: OpaquePointer, at date: Date
    ) throws(X509Error) {
        let context = try X509Error.require(X509_STORE_CTX_new(), "make a verification")
        defer { X509_STORE_CTX_free(context) }
        try X509Error.require(X509_STORE_CTX_init(context, store, certificate, untrusted), "begin a verification")
        let parameters = try X509Error.require(X509_STORE_CTX_get0_param(context), "set parameters")
        guard let seconds = Int(exactly: date.timeIntervalSince1970.rounded(.down)) else {
            throw X509Error(code: "chain_not_trusted", message: "The time of the verification is no time.")
        }
        X509_VERIFY_PARAM_set_time(parameters, seconds)
        X509_VERIFY_PARAM_set_depth(parameters, maximumDepth)
        X509_VERIFY_PARAM_set_auth_level(parameters, 1)
        guard X509_verify_cert(context) == 1 else { throw refusal(X509_STORE_CTX_get_error(context)) }
        guard let chain = X509_STORE_CTX_get0_chain(context) else { throw .failed("build a chain") }
        try requireIssuers(chain)
    }

    /// Demands of every issuer in the chain what OpenSSL demands only of those that say something about it: that basic
    /// constraints and key usage are there and let it issue certificates (RFC 5280 section 6.1.4 (k) to (n)).
    private static func requireIssuers(_ chain: OpaquePointer) throws(X509Error) {
        for index in 1..<max(1, claviger_x509_stack_count(chain)) {
            let issuer = try X509Error.require(claviger_x509_stack_at(chain, index), "walk a chain")
            let wanted = UInt32(EXFLAG_BCONS) | UInt32(EXFLAG_CA) | UInt32(EXFLAG_KUSAGE)
            guard X509_get_extension_flags(issuer) & wanted == wanted,
                X509_get_key_usage(issuer) & UInt32(KU_KEY_CERT_SIGN) != 0
            else {
                throw X509Error(
                    code: "chain_not_trusted",
                    message: "The certificate chain is not trusted: an issuer is no authority.")
            }
        }
    }

    private static func refusal(_ reason: Int32) -> X509Error {
        let text = X509_verify_cert_error_string(Int(reason)).map { String(cString: $0) } ?? "unknown reason"
        let code =
            switch reason {
            case X509_V_ERR_CERT_HAS_EXPIRED: "certificate_expired"
            case X509_V_ERR_CERT_NOT_YET_VALID: "certificate_not_yet_valid"
            default: "chain_not_trusted"
            }
        return X509Error(code: code, message: "The certificate chain is not trusted: \(text).")
    }
}
