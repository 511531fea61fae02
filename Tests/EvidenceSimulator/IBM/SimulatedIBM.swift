import Crypto
import Foundation
import Verification
import X509TestSupport
import X509Trust

/// A stand-in for IBM: a root, an authority and a signing key for host keys, with names like IBM's.
package struct SimulatedIBM: Sendable {
    /// The moment at which everything is valid unless it is made otherwise.
    package let now: Date
    /// The root.
    package let root: TestIssuer
    /// Issues the certificate of the signing key.
    package let authority: TestIssuer
    /// Signs host-key documents and the list over them.
    package let signer: TestIssuer

    /// Authorities that were made a year before `now`.
    package init(at now: Date) throws {
        self.now = now
        let start = now.addingTimeInterval(-365 * 86_400)
        root = try TestIssuer.root(Self.name("IBM Z Root CA"), key: .generate(.rsa(2048)), from: start)
        authority = try root.authority(Self.name("IBM Z Intermediate CA"), key: .generate(.rsa(2048)), from: start)
        signer = try authority.authority(
            Self.name("IBM Z Host Key Signing Service"), key: .generate(.rsa(2048)), from: start
        ) {
            $0.serialNumber = [0x51]
            $0.extensions = [.basicConstraints(isAuthority: false), .keyUsage(.digitalSignature)]
        }
    }

    /// A name as IBM's certificates have it.
    package static func name(_ unit: String, locality: String = "Armonk") -> TestName {
        let company = "International Business Machines Corporation"
        return TestName([
            ("C", "US"), ("O", company), ("CN", company), ("ST", "New York"), ("L", locality), ("OU", unit),
        ])
    }

    /// The document of a machine's key.
    package func document(
        of key: P521.KeyAgreement.PublicKey, serialNumber: UInt8 = 0x11, extensions: [TestExtension] = []
    ) throws -> Certificate {
        try signer.issue(
            CertificateDraft(
                subject: Self.name("IBM Z Host Key"),
                publicKey: PublicKey.ec(.p521, x963: Array(key.x963Representation)),
                from: now.addingTimeInterval(-86_400), extensions: [.keyUsage(.keyAgreement)] + extensions,
                serialNumber: [serialNumber]))
    }

    /// The current lists of the signing key and of its issuer, the first of which names these documents.
    package func lists(revoking serialNumbers: [UInt8] = []) throws -> [RevocationList] {
        let (made, due) = (now.addingTimeInterval(-3600), now.addingTimeInterval(86_400))
        let entries = serialNumbers.map { RevocationListDraft.Entry([$0], at: made) }
        return [
            try RevocationList(
                der: signer.revocationList(
                    RevocationListDraft(thisUpdate: made, nextUpdate: due, entries: entries))),
            try RevocationList(
                der: authority.revocationList(RevocationListDraft(thisUpdate: made, nextUpdate: due))),
        ]
    }

    /// Trusts this stand-in's root and nobody else.
    package var anchors: [PinnedAnchor] {
        [PinnedAnchor(name: "simulated IBM Z Root CA", certificate: root.certificate)]
    }

    /// The certificates between documents and the root.
    package var authorities: [Certificate] { [signer.certificate, authority.certificate] }
}
