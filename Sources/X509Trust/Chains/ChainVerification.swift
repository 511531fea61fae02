import COpenSSL
import FoundationEssentials

/// A run of OpenSSL's chain building and verification.
struct ChainVerification {
    /// The security level of OpenSSL that keys and signatures must reach.
    let level: Int32
    /// The moment in seconds, `nil` when dates are judged elsewhere.
    private let seconds: Int?

    init(level: Int32, date: Date) throws(X509Error) {
        guard let seconds = Int(exactly: date.timeIntervalSince1970.rounded(.down)) else {
            throw .untrusted("the time of the verification is no time")
        }
        self.level = level
        self.seconds = seconds
    }

    /// A verification that leaves the dates of the certificates to the caller.
    init(level: Int32) {
        self.level = level
        seconds = nil
    }

    /// Verifies a leaf, and hands the chain that was built to `judge`, which may refuse it still.
    func verify(
        leaf: [UInt8], intermediates: [[UInt8]], anchors: [[UInt8]],
        judge: (OpaquePointer) throws(X509Error) -> Void = { (_) throws(X509Error) in }
    ) throws(X509Error) {
        let certificate = try DER.certificate(leaf)
        defer { X509_free(certificate) }
        let store = try X509Error.require(X509_STORE_new(), "make a store")
        defer { X509_STORE_free(store) }
        for anchor in anchors { try Self.add(anchor, toStore: store) }
        let untrusted = try X509Error.require(claviger_x509_stack_new(), "make a list")
        defer { claviger_x509_stack_free_all(untrusted) }
        for intermediate in intermediates { try Self.push(intermediate, onto: untrusted) }
        try verify(certificate, untrusted: untrusted, store: store, judge: judge)
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

    private func verify(
        _ certificate: OpaquePointer, untrusted: OpaquePointer, store: OpaquePointer,
        judge: (OpaquePointer) throws(X509Error) -> Void
    ) throws(X509Error) {
        let context = try X509Error.require(X509_STORE_CTX_new(), "make a verification")
        defer { X509_STORE_CTX_free(context) }
        try X509Error.require(X509_STORE_CTX_init(context, store, certificate, untrusted), "begin a verification")
        let parameters = try X509Error.require(X509_STORE_CTX_get0_param(context), "set parameters")
        if let seconds {
            X509_VERIFY_PARAM_set_time(parameters, seconds)
        } else {
            X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_NO_CHECK_TIME))
        }
        X509_VERIFY_PARAM_set_depth(parameters, CertificateChain.maximumDepth)
        X509_VERIFY_PARAM_set_auth_level(parameters, level)
        guard X509_verify_cert(context) == 1 else { throw Self.refusal(context) }
        let chain = try X509Error.require(X509_STORE_CTX_get0_chain(context), "build a chain")
        try Self.requireIssuers(chain)
        try judge(chain)
    }

    /// Demands of every issuer in the chain what OpenSSL demands only of those that say something about it: that basic
    /// constraints and key usage are there and let it issue certificates (RFC 5280 section 6.1.4 (k) to (n)).
    private static func requireIssuers(_ chain: OpaquePointer) throws(X509Error) {
        for index in 1..<max(1, claviger_x509_stack_count(chain)) {
            let issuer = try X509Error.require(claviger_x509_stack_at(chain, index), "walk a chain")
            let wanted = UInt32(EXFLAG_BCONS) | UInt32(EXFLAG_CA) | UInt32(EXFLAG_KUSAGE)
            guard X509_get_extension_flags(issuer) & wanted == wanted,
                X509_get_key_usage(issuer) & UInt32(KU_KEY_CERT_SIGN) != 0
            else { throw .untrusted("an issuer is no authority") }
        }
    }

    private static func refusal(_ context: OpaquePointer) -> X509Error {
        let reason = X509_STORE_CTX_get_error(context)
        let text = X509_verify_cert_error_string(Int(reason)).map { String(cString: $0) } ?? "unknown reason"
        let subject = X509_STORE_CTX_get_current_cert(context).flatMap { current in
            DistinguishedName.text(X509_get_subject_name(current)).map { " (\($0.prefix(200)))" }
        }
        let message = "The certificate chain is not trusted: \(text)\(subject ?? "")."
        return switch reason {
        case X509_V_ERR_CERT_HAS_EXPIRED: X509Error(code: "certificate_expired", message: message)
        case X509_V_ERR_CERT_NOT_YET_VALID: X509Error(code: "certificate_not_yet_valid", message: message)
        default: X509Error(code: "chain_not_trusted", message: message)
        }
    }
}
