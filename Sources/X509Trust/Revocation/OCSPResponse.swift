import COpenSSL
public import FoundationEssentials

/// An answer of an authority's service about one certificate or several (OCSP, RFC 6960), kept for later.
///
/// No nonce ties it to a question, so that it counts between its two dates.
public struct OCSPResponse: Sendable, Hashable {
    /// What an answer says of a certificate.
    public enum Status: Sendable, Hashable {
        /// It is not revoked.
        case good(thisUpdate: Date, nextUpdate: Date)
        /// It is revoked, or on hold; the reason is that of RFC 5280 section 5.3.1, -1 without one.
        case revoked(since: Date, reason: Int)
    }

    /// The answer, DER.
    public let der: [UInt8]

    /// Real answers have one to three kibibytes.
    private static let maximumBytes = 65_536

    /// Reads an answer, all of the bytes; nothing is verified.
    ///
    /// Throws `malformed_ocsp_response`, also for an answer that is an error.
    public init(der: [UInt8]) throws(X509Error) {
        defer { ERR_clear_error() }
        guard der.count <= Self.maximumBytes, let basic = Self.basic(der) else { throw .malformedOCSPResponse }
        OCSP_BASICRESP_free(basic)
        self.der = der
    }

    /// What the answer says of the certificate at the beginning of a verified path, at a moment.
    ///
    /// Who signed must be the certificate's issuer, or somebody whom the issuer certified to answer for it (RFC 6960
    /// section 4.2.2.2). Throws `ocsp_response_invalid` when it is signed by anybody else, does not name the certificate,
    /// knows nothing of it, or does not count at that moment.
    public func status(of path: ArraySlice<Certificate>, at date: Date) throws(X509Error) -> Status {
        let answer = try answer(about: path, at: date)
        guard let thisUpdate = answer.thisUpdate, let nextUpdate = answer.nextUpdate, thisUpdate <= date,
            date <= nextUpdate
        else { throw .ocsp("does not count at this time") }
        switch answer.status {
        case V_OCSP_CERTSTATUS_GOOD: return .good(thisUpdate: thisUpdate, nextUpdate: nextUpdate)
        case V_OCSP_CERTSTATUS_REVOKED:
            return .revoked(since: answer.revoked ?? thisUpdate, reason: Int(answer.reason))
        default: throw .ocsp("knows nothing of the certificate")
        }
    }

    /// Between which moments the answer about the certificate at the beginning of a path counts, whoever has it now.
    ///
    /// Throws `ocsp_response_invalid`, also for an answer that does not say until when it counts.
    public func period(of path: ArraySlice<Certificate>) throws(X509Error) -> ClosedRange<Date> {
        let answer = try answer(about: path, at: nil)
        guard let thisUpdate = answer.thisUpdate, let nextUpdate = answer.nextUpdate, thisUpdate <= nextUpdate else {
            throw .ocsp("does not say until when it counts")
        }
        return thisUpdate...nextUpdate
    }

    private func answer(about path: ArraySlice<Certificate>, at date: Date?) throws(X509Error) -> Answer {
        defer { ERR_clear_error() }
        guard let certificate = path.first, let issuer = path.dropFirst().first, let root = path.last,
            let basic = Self.basic(der)
        else { throw .malformedOCSPResponse }
        defer { OCSP_BASICRESP_free(basic) }
        var seconds: Int?
        if let date {
            seconds = Int(exactly: date.timeIntervalSince1970.rounded(.down))
            guard seconds != nil else { throw .ocsp("cannot count at what is no time") }
        }
        try Self.verify(basic, issuers: path.dropFirst(), root: root, seconds: seconds)
        return try Self.answer(in: basic, about: certificate, by: issuer)
    }

    private static func basic(_ der: [UInt8]) -> OpaquePointer? {
        let response = DER.decode(der, free: { OCSP_RESPONSE_free($0) }, { d2i_OCSP_RESPONSE(nil, $0, $1) })
        guard let response else { return nil }
        defer { OCSP_RESPONSE_free(response) }
        guard OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL else { return nil }
        return OCSP_response_get1_basic(response)
    }

    private static func verify(
        _ basic: OpaquePointer, issuers: ArraySlice<Certificate>, root: Certificate, seconds: Int?
    ) throws(X509Error) {
        let store = try X509Error.require(X509_STORE_new(), "make a store")
        defer { X509_STORE_free(store) }
        let anchor = try DER.certificate(root.der)
        // The store holds a reference of its own.
        defer { X509_free(anchor) }
        try X509Error.require(X509_STORE_add_cert(store, anchor), "trust a certificate")
        let parameters = try X509Error.require(X509_STORE_get0_param(store), "set parameters")
        if let seconds {
            X509_VERIFY_PARAM_set_time(parameters, seconds)
        } else {
            X509_VERIFY_PARAM_set_flags(parameters, UInt(X509_V_FLAG_NO_CHECK_TIME))
        }
        X509_VERIFY_PARAM_set_auth_level(parameters, 2)
        let others = try X509Error.require(claviger_x509_stack_new(), "make a list")
        defer { claviger_x509_stack_free_all(others) }
        for issuer in issuers {
            let certificate = try DER.certificate(issuer.der)
            guard claviger_x509_stack_push(others, certificate) > 0 else {
                X509_free(certificate)
                throw .failed("collect certificates")
            }
        }
        // Without explicit trust: what a root says of itself makes nobody a responder.
        guard OCSP_basic_verify(basic, others, store, UInt(OCSP_NOEXPLICIT)) == 1 else {
            throw .ocsp("is not signed by who may answer for the certificate's issuer")
        }
    }

    private struct Answer {
        var status: Int32 = V_OCSP_CERTSTATUS_UNKNOWN
        var reason: Int32 = -1
        var revoked: Date?
        var thisUpdate: Date?
        var nextUpdate: Date?
    }

    /// The answer by the identifier that the certificate has under any of the hash functions that are in use: SHA-1 here
    /// finds an entry and vouches for nothing.
    private static func answer(
        in basic: OpaquePointer, about certificate: Certificate, by issuer: Certificate
    ) throws(X509Error) -> Answer {
        let subject = try DER.certificate(certificate.der)
        defer { X509_free(subject) }
        let authority = try DER.certificate(issuer.der)
        defer { X509_free(authority) }
        for function in [EVP_sha1(), EVP_sha256(), EVP_sha384()] {
            guard let identifier = OCSP_cert_to_id(function, subject, authority) else { continue }
            defer { OCSP_CERTID_free(identifier) }
            var answer = Answer()
            var (revoked, thisUpdate, nextUpdate): (Time?, Time?, Time?) = (nil, nil, nil)
            guard
                OCSP_resp_find_status(
                    basic, identifier, &answer.status, &answer.reason, &revoked, &thisUpdate, &nextUpdate) == 1
            else { continue }
            answer.revoked = revoked.flatMap { DER.date($0) }
            answer.thisUpdate = thisUpdate.flatMap { DER.date($0) }
            answer.nextUpdate = nextUpdate.flatMap { DER.date($0) }
            return answer
        }
        throw .ocsp("does not name the certificate")
    }

    private typealias Time = UnsafeMutablePointer<ASN1_GENERALIZEDTIME>
}

extension X509Error {
    static let malformedOCSPResponse = X509Error(
        code: "malformed_ocsp_response", message: "The bytes are no answer of an OCSP service.")

    static func ocsp(_ reason: String) -> X509Error {
        X509Error(code: "ocsp_response_invalid", message: "The answer of the OCSP service \(reason).")
    }
}
