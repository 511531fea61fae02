import Encodings
import Foundation
import RATS
import Verification
import X509TestSupport
import X509Trust

/// A BlueField card whose firmware was certified by the card, and the card by a root of its own.
package struct SimulatedDPU: Sendable {
    /// The root over cards.
    package let root: TestIssuer
    /// The card.
    package let identity: TestIssuer
    /// The key of the running firmware.
    package var key: TestKey
    /// Its certificate.
    package var firmware: Certificate
    /// Writes the signature as DER.
    package var isDER = false

    /// A card that started ten minutes before `now`, with three layers of firmware.
    package init(at now: Date, _ change: (inout CertificateDraft) -> Void = { _ in }) throws {
        let start = now.addingTimeInterval(-86_400)
        root = try TestIssuer.root("BlueField Root CA", key: .generate(.ec(.p384)), from: start)
        identity = try root.authority(
            TestName([("CN", "bluefield3"), ("2.5.4.5", "MT2251XZ02TP")]), key: .generate(.ec(.p384)), from: start
        ) { $0.serialNumber = [0x31] }
        key = try TestKey.generate(.ec(.p384))
        let layers = (1...3).flatMap { layer in
            ASN1.sequence(
                ASN1.objectIdentifier("2.16.840.1.101.3.4.2.2"),
                ASN1.octetString([UInt8](repeating: UInt8(layer), count: 48)))
        }
        var draft = CertificateDraft(
            subject: "alias", publicKey: key.publicKey, from: now.addingTimeInterval(-600),
            extensions: [
                .keyUsage(.digitalSignature),
                TestExtension("2.23.133.5.4.1", value: ASN1.sequence(ASN1.element(0xA6, layers))),
            ], serialNumber: [0x41])
        change(&draft)
        firmware = try identity.issue(draft)
    }

    /// Trusts this card's root and nobody else.
    package var options: NVIDIADPUVerifier.Options {
        NVIDIADPUVerifier.Options(
            anchors: [PinnedAnchor(name: "simulated BlueField Root CA", certificate: root.certificate)])
    }

    /// Fresh evidence that is bound to a digest, with zeros behind it up to `size` bytes.
    package func evidence(bound digest: [UInt8], filledTo size: Int = 64) throws -> Evidence {
        let signature = try key.sign(padded(digest, to: size), isDER ? .ecdsa(.sha384) : .ecdsaRaw(.sha384))
        let device: JSONValue = [
            "architecture": "bluefield3", "alias_cert": .string(Base64.encode(firmware.der)),
            "device_id_cert": .string(Base64.encode(identity.certificate.der)),
            "report_data_signature": .string(Base64.encode(signature)),
        ]
        return Evidence(tee: .nvidiaDPU, content: ["version": 1, "devices": [device]])
    }
}
