public import Foundation
public import X509Trust

/// An answer of an OCSP service before it is signed.
public struct OCSPResponseDraft: Sendable {
    /// What is said of the certificate.
    public enum Status: Sendable {
        /// Not revoked.
        case good
        /// Revoked, with a reason of RFC 5280 section 5.3.1.
        case revoked(Date, reason: UInt8)
        /// Nothing is known.
        case unknown
    }

    /// The certificate's serial number.
    public var serialNumber: [UInt8]
    /// What is said of it.
    public var status: Status
    /// When it was said.
    public var thisUpdate: Date
    /// Until when it counts.
    public var nextUpdate: Date?

    /// An answer that counts for a day around a moment.
    public init(_ certificate: Certificate, _ status: Status = .good, at date: Date) {
        serialNumber = certificate.serialNumber
        self.status = status
        thisUpdate = date.addingTimeInterval(-3600)
        nextUpdate = date.addingTimeInterval(86_400)
    }

    private var single: [UInt8] {
        let state: [UInt8] =
            switch status {
            case .good: [0x80, 0]
            case .unknown: [0x82, 0]
            case .revoked(let date, let reason):
                ASN1.element(0xa1, Self.time(date) + ASN1.element(0xa0, ASN1.element(0x0a, [reason])))
            }
        return state + Self.time(thisUpdate) + (nextUpdate.map { ASN1.element(0xa0, Self.time($0)) } ?? [])
    }

    /// The bytes that are signed, about a certificate of this issuer.
    func content(issuer: TestIssuer, responder: TestName) throws -> [UInt8] {
        let key = issuer.key.publicKey.x963 ?? []
        let identifier = ASN1.sequence(
            ASN1.sequence(ASN1.objectIdentifier("2.16.840.1.101.3.4.2.1"), [0x05, 0]),
            ASN1.octetString(try DigestAlgorithm.sha256.hash(issuer.name.der)),
            ASN1.octetString(try DigestAlgorithm.sha256.hash(key)), ASN1.integer(serialNumber))
        return ASN1.sequence(
            ASN1.element(0xa1, responder.der), Self.time(thisUpdate),
            ASN1.sequence(ASN1.sequence(identifier, single)))
    }

    /// GeneralizedTime, whatever the year.
    private static func time(_ date: Date) -> [UInt8] {
        let digits = date.formatted(.iso8601).filter { $0.isNumber }
        return ASN1.element(0x18, Array("\(digits)Z".utf8))
    }
}

extension TestIssuer {
    /// The bytes of an answer about a certificate that this authority issued, signed by itself or by a responder whose
    /// certificate goes along.
    public func ocspResponse(_ draft: OCSPResponseDraft, by responder: TestIssuer? = nil) throws -> [UInt8] {
        let signer = responder ?? self
        let content = try draft.content(issuer: self, responder: signer.name)
        let certificates = responder.map { ASN1.element(0xa0, ASN1.element(0x30, $0.certificate.der)) } ?? []
        let basic = ASN1.sequence(
            content, ASN1.algorithm(signer.algorithm),
            ASN1.bitString(try signer.key.sign(content, signer.algorithm)), certificates)
        return ASN1.sequence(
            ASN1.element(0x0a, [0]),
            ASN1.element(
                0xa0, ASN1.sequence(ASN1.objectIdentifier("1.3.6.1.5.5.7.48.1.1"), ASN1.octetString(basic))))
    }
}
