import Encodings
import Foundation
import RATS
import X509TestSupport
import X509Trust

/// An enclave under a hypervisor whose certificates are like AWS's in everything but their keys. Everything that the
/// document says can be changed before it is signed.
package struct SimulatedNitroEnclave: Sendable {
    /// The root, a region's authority, a zone's and an instance's.
    package var authorities: [TestIssuer]
    /// The key that signs documents.
    package var key: TestKey
    /// Its certificate, DER.
    package var certificate: [UInt8]
    /// What the document says, save what is filled in when it is sent.
    package var content: CBORMap
    /// When documents are made.
    package let now: Date

    /// An enclave that nothing is wrong with, whose key was certified an hour before `now` for three hours.
    package init(at now: Date) throws {
        self.now = now
        let start = now.addingTimeInterval(-86_400)
        var authorities = [
            try TestIssuer.root("aws.nitro-enclaves", key: .generate(.ec(.p384)), from: start)
        ]
        for (index, name) in ["region", "zone", "instance"].enumerated() {
            authorities.append(
                try authorities[index].authority(
                    TestName(commonName: name), key: .generate(.ec(.p384)), from: start
                ) {
                    $0.extensions = TestExtension.authority(pathLength: 2 - index)
                    // As with AWS, the authorities of regions and zones say where their issuer's list is to be had.
                    if name != "instance" { $0.extensions.append(Self.listLocation) }
                })
        }
        self.authorities = authorities
        key = try TestKey.generate(.ec(.p384))
        certificate = try Self.certificate(of: key, by: authorities[3], at: now)
        content = CBORMap([
            ("module_id", "i-0123456789abcdef0-enc0123456789abcdef"), ("digest", "SHA384"),
            (
                "pcrs",
                .map(
                    CBORMap(
                        (0..<16).map { (CBORValue(Int64($0)), .bytes([UInt8](repeating: UInt8($0 + 1), count: 48))) }))
            ),
            ("public_key", .null), ("nonce", .null),
        ])
    }

    private static let listLocation: TestExtension = {
        let address = Array("http://lists.invalid/1.crl".utf8)
        let value = [0x86, 0xa0, 0xa0, 0x30, 0x30].reduce(address) { content, tag in
            [tag, UInt8(content.count)] + content
        }
        return TestExtension("2.5.29.31", value: value)
    }()

    /// A certificate for a key of the hypervisor.
    package static func certificate(of key: TestKey, by issuer: TestIssuer, at now: Date) throws -> [UInt8] {
        var draft = CertificateDraft(
            subject: "enclave", publicKey: key.publicKey, from: now.addingTimeInterval(-3600),
            extensions: [.basicConstraints(isAuthority: false), .keyUsage(.digitalSignature)])
        draft.notAfter = now.addingTimeInterval(7200)
        return try issuer.issueDER(draft)
    }

    /// Trusts this hypervisor's root and nobody else.
    package var anchors: [PinnedAnchor] {
        [PinnedAnchor(name: "simulated aws.nitro-enclaves", certificate: authorities[0].certificate)]
    }

    /// This enclave with changes; its document is signed again whenever it is sent.
    package func twin(_ change: (inout SimulatedNitroEnclave) throws -> Void) rethrows -> SimulatedNitroEnclave {
        var twin = self
        try change(&twin)
        return twin
    }

    /// The signed document, bound to a digest by a field.
    package func document(bound digest: [UInt8], field: String = "user_data") throws -> [UInt8] {
        var content = content
        content["timestamp"] = content["timestamp"] ?? .unsigned(UInt64(now.timeIntervalSince1970 * 1000))
        content["certificate"] = .bytes(certificate)
        content["cabundle"] = content["cabundle"] ?? .array(authorities.map { .bytes($0.certificate.der) })
        if content[.text(field)] == nil || content[.text(field)] == .null { content[.text(field)] = .bytes(digest) }
        let payload = CBORValue.map(content).encoded
        let header = ([1: -35] as CBORValue).encoded
        let signature = try key.sign(
            COSESign1.signingInput(protected: header, payload: payload), .ecdsaRaw(.sha384))
        return CBORValue.array([.bytes(header), [:], .bytes(payload), .bytes(signature)]).encoded
    }

    /// Fresh evidence that is bound to a digest.
    package func evidence(bound digest: [UInt8], field: String = "user_data") throws -> Evidence {
        Evidence(
            tee: .nitro,
            content: ["document": .string(Base64.encode(try document(bound: digest, field: field)))])
    }
}
