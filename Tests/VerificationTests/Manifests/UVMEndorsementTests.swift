import Encodings
import Foundation
import TestInput
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

@Suite("Endorsements of utility VMs")
struct UVMEndorsementTests {
    private func refusal(_ bytes: [UInt8], _ did: String = ManifestVectors.uvmIssuer) throws -> String? {
        ManifestVectors.refusal(bytes, .uvm, .certificate(try X509DID(did)))
    }

    @Test("ms-uvm-endorsement: Microsoft's endorsement is believed, and is of the measurement of a real report")
    func recorded() throws {
        let manifest = try SignedManifest(
            parsing: ManifestVectors.uvm(), format: .uvm, signer: .certificate(X509DID(ManifestVectors.uvmIssuer)),
            at: ManifestVectors.now)
        #expect(manifest.id == "ContainerPlat-AMD-UVM" && manifest.version == 22)
        #expect(manifest.values.map(\.name) == ["snp_launch_measurement"])
        #expect(manifest.values[0].value == [.string(ManifestVectors.measurement)])
        #expect(manifest.signedBy == ManifestVectors.uvmIssuer)
        #expect(manifest.signedAt == Date(timeIntervalSince1970: 1_675_834_943))
        #expect(manifest.validUntil == nil)
    }

    @Test("A60: an endorsement counts for the identifier that the operator wrote, and for no other")
    func issuers() throws {
        let bytes = try ManifestVectors.uvm()
        let head = "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s"
        // Each of these fits the chain, and is not what the endorsement names as its issuer.
        #expect(try refusal(bytes, head + "::eku:1.3.6.1.4.1.311.76.59.1.1") == "untrusted_signer")
        #expect(try refusal(bytes, head + "::subject:CN:ContainerPlat") == "untrusted_signer")
        #expect(throws: ManifestError.self) {
            _ = try SignedManifest(
                parsing: bytes, format: .uvm, signer: .keys([try TestKey.generate(.ec(.p256)).publicKey]),
                at: ManifestVectors.now)
        }
        // Before it was signed it did not exist.
        #expect(
            ManifestVectors.refusal(
                bytes, .uvm, .certificate(try X509DID(ManifestVectors.uvmIssuer)),
                at: Date(timeIntervalSince1970: 1_600_000_000)) == "manifest_not_yet_valid")
    }

    @Test("an identifier holds for chains under its authority whose leaf says what it asks for")
    func identifiers() throws {
        let message = try COSESign1(parsing: ManifestVectors.uvm())
        let certificates = try #require(message.protected[33]?.arrayValue).compactMap(\.bytesValue)
        let chain = try certificates.map { try Certificate(der: $0) }
        let signed = Date(timeIntervalSince1970: 1_675_834_943)
        func holds(_ conditions: String, _ chain: [Certificate], at date: Date = signed) throws -> Bool {
            let did = try X509DID("did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s" + conditions)
            return (try? did.key(of: chain, at: date)) != nil
        }
        #expect(try holds("::eku:1.3.6.1.4.1.311.76.59.1.2", chain))
        #expect(try holds("::subject:CN:ContainerPlat:O:Microsoft%20Corporation::eku:1.3.6.1.4.1.311.76.59.1.1", chain))
        #expect(try !holds("::eku:1.3.6.1.4.1.311.76.59.1.3", chain))
        #expect(try !holds("::subject:CN:Container", chain))
        #expect(try !holds("::eku:1.3.6.1.4.1.311.76.59.1.2", Array(chain.dropLast())))
        #expect(try !holds("::eku:1.3.6.1.4.1.311.76.59.1.2", chain.reversed()))
        // After the leaf's year, and before it.
        #expect(try !holds("::eku:1.3.6.1.4.1.311.76.59.1.2", chain, at: ManifestVectors.now))
        #expect(try !holds("::eku:1.3.6.1.4.1.311.76.59.1.2", chain, at: Date(timeIntervalSince1970: 1_660_000_000)))
    }

    @Test(
        "other identifiers cannot be used",
        arguments: [
            "", "did:x509:0", "did:x509:1:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.2.3",
            "did:x509:0:sha1:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.2.3",
            "did:x509:0:sha256:I__iuL25::eku:1.2.3",
            "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s",
            "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::san:dns:example.com",
            "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:one",
            "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.2:3",
            "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::subject:CN",
            "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::subject:XX:a",
            "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::",
        ])
    func unusable(text: String) {
        #expect(throws: ManifestError.self) { _ = try X509DID(text) }
    }

    @Test("endorsements with a changed byte are refused: some of them")
    func damage() throws {
        let bytes = try ManifestVectors.uvm()
        let message = try COSESign1(parsing: bytes)
        // The header that nobody signed lies between the protected one and the payload.
        let end = message.protectedBytes.count + 8
        let start = bytes.count - message.payload.count - message.signature.count - 6
        var random = SeededGenerator(seed: 0x1411)
        for _ in 0..<40 {
            let early = Bool.random(using: &random)
            let place =
                early ? Int.random(in: 8..<end, using: &random) : Int.random(in: start..<bytes.count, using: &random)
            var damaged = bytes
            damaged[place] ^= UInt8(1 << Int.random(in: 0..<8, using: &random))
            #expect(try refusal(damaged) != nil, "byte \(place)")
        }
        for length in stride(from: 0, to: bytes.count, by: 997) {
            #expect(try refusal(Array(bytes.prefix(length))) != nil)
        }
    }
}
