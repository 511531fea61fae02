import Crypto
import Foundation
import Verification
import X509TestSupport
import X509Trust

/// What the certificate of an endorsement key is to say (AMD 57230).
package struct EndorsementKeyDraft: Sendable {
    /// Whether the key is a chip's or a provider's.
    package var kind: SNPEndorsementKeyKind
    /// The subject's common name.
    package var subject: String
    /// The product, such as `Milan-B0`.
    package var productName: String
    /// The chip, which only certificates of chips name.
    package var hardwareID: [UInt8]
    /// The firmware that the key is derived from.
    package var levels: SNPTCBLevels
    /// The provider, which only certificates of providers name.
    package var provider = "CN=cc-simulator.example.com"
    /// The first moment of validity.
    package var notBefore: Date
    /// The last moment of validity.
    package var notAfter: Date
    /// Other values (DER) of AMD's extensions by their number, such as `3.1`; `nil` leaves one out.
    package var replacedValues: [String: [UInt8]?] = [:]
    /// Stands before AMD's extensions.
    package var otherExtensions: [TestExtension] = []

    var extensions: [TestExtension] {
        var values: [(String, [UInt8])] = [
            ("1", ASN1.integer(1)), ("2", ASN1.ia5String(productName)), ("3.1", number(levels.bootloader)),
            ("3.2", number(levels.tee)), ("3.3", number(levels.snp)),
        ]
        if let fmc = levels.fmc { values.append(("3.9", number(fmc))) }
        values.append(("3.8", number(levels.microcode)))
        switch kind {
        case .vcek: values.append(("4", hardwareID))
        case .vlek: values.append(("5", ASN1.ia5String(provider)))
        }
        for (number, value) in replacedValues.sorted(by: { $0.key < $1.key }) {
            let place = values.firstIndex { $0.0 == number }
            if let place { values.remove(at: place) }
            if let value { values.insert((number, value), at: place ?? values.endIndex) }
        }
        return otherExtensions + values.map { TestExtension("1.3.6.1.4.1.3704.1.\($0.0)", value: $0.1) }
    }

    private func number(_ level: UInt8) -> [UInt8] { ASN1.integer(Int(level)) }
}

/// A key that signs reports, and its certificate.
package struct SimulatedEndorsementKey: Sendable {
    /// What its certificate says.
    package let draft: EndorsementKeyDraft
    /// The key.
    package let privateKey: P384.Signing.PrivateKey
    /// The certificate, DER.
    package let certificate: [UInt8]
}

extension SimulatedAMD {
    /// What the certificate of a key of this kind says unless it is changed.
    package func endorsementKeyDraft(
        _ kind: SNPEndorsementKeyKind, hardwareID: [UInt8], levels: SNPTCBLevels
    ) -> EndorsementKeyDraft {
        EndorsementKeyDraft(
            kind: kind, subject: "SEV-\(kind.rawValue.uppercased())",
            productName: product == .milan ? "Milan-B0" : product.rawValue, hardwareID: hardwareID, levels: levels,
            notBefore: now.addingTimeInterval(-30 * 86_400), notAfter: now.addingTimeInterval(365 * 86_400))
    }

    /// Makes a key and has it certified by the authority over its kind, or by another.
    package func endorsementKey(
        _ draft: EndorsementKeyDraft, issuer: TestIssuer? = nil
    ) throws -> SimulatedEndorsementKey {
        let key = P384.Signing.PrivateKey()
        let publicKey = try PublicKey(spki: Array(key.publicKey.derRepresentation))
        var certificate = CertificateDraft(
            subject: Self.name(draft.subject), publicKey: publicKey, from: draft.notBefore,
            extensions: draft.extensions, serialNumber: [0])
        certificate.notAfter = draft.notAfter
        return SimulatedEndorsementKey(
            draft: draft, privateKey: key,
            certificate: try (issuer ?? self.issuer(of: draft.kind)).issueDER(certificate))
    }
}
