import Crypto
import Encodings
import X509Trust

/// The certificate of a key that signs reports (VCEK or VLEK), read but not believed (AMD 57230, certificate
/// specification).
struct SNPEndorsementKey: Sendable {
    let certificate: Certificate
    let kind: SNPEndorsementKeyKind
    /// The product as the certificate names it, such as `Milan-B0`.
    let productName: String
    let publicKey: P384.Signing.PublicKey
    /// The chip that the key belongs to: 64 bytes, from Turin on 8. `nil` for a VLEK.
    let hardwareID: [UInt8]?
    /// The provider that AMD lent the key to, in AMD's words. `nil` for a VCEK.
    let cspID: String?
    /// The firmware that the key was derived from.
    let levels: SNPTCBLevels

    /// Reads a certificate. Throws `malformed_certificate` when it is no AMD endorsement key's.
    init(_ certificate: Certificate) throws(X509Error) {
        self.certificate = certificate
        kind =
            switch certificate.subjectCommonName {
            case "SEV-VCEK": .vcek
            case "SEV-VLEK": .vlek
            default: throw .notAnEndorsementKey("its subject is neither SEV-VCEK nor SEV-VLEK")
            }
        guard let point = try certificate.publicKey.x963,
            let key = try? P384.Signing.PublicKey(x963Representation: point)
        else { throw .notAnEndorsementKey("its key is no P-384 key") }
        publicKey = key
        let extensions = SNPCertificateExtensions(certificate)
        productName = try extensions.text(.productName)
        levels = try extensions.levels()
        switch kind {
        case .vcek:
            hardwareID = try extensions.hardwareID()
            cspID = nil
        case .vlek:
            hardwareID = nil
            cspID = try extensions.text(.cspID)
        }
    }
}

extension X509Error {
    static func notAnEndorsementKey(_ reason: String) -> X509Error {
        X509Error(
            code: "malformed_certificate", message: "The certificate is no AMD endorsement key's: \(reason).")
    }
}
