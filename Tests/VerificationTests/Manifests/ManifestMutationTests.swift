import Encodings
import Foundation
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

/// Changes every byte of manifests in every format: nothing that was signed may say something else and be believed.
@Suite("Manifests with any byte changed")
struct ManifestMutationTests {
    private func survivors(
        _ bytes: [UInt8], _ format: ManifestFormat, _ signer: ManifestSigner
    ) throws -> [SignedManifest] {
        var believed: [SignedManifest] = []
        for place in bytes.indices {
            var damaged = bytes
            damaged[place] ^= 1 << UInt8(place % 8)
            if let manifest = try? SignedManifest(
                parsing: damaged, format: format, signer: signer, at: ManifestVectors.now)
            {
                believed.append(manifest)
            }
        }
        return believed
    }

    @Test("A60: no changed statement, CoRIM or endorsement says anything else than the whole one")
    func everyByte() throws {
        let key = try TestKey.generate(.ec(.p256))
        let signer = ManifestSigner.keys([key.publicKey])
        let did = ManifestSigner.certificate(try X509DID(ManifestVectors.uvmIssuer))
        let statement = ManifestVectors.statement(ManifestVectors.predicate)
        for (bytes, format, signer) in [
            (try ManifestVectors.envelope(statement, [key]), ManifestFormat.inToto, signer),
            (try ManifestVectors.signed(ManifestVectors.corim(), key), .corim, signer),
            (try ManifestVectors.uvm(), .uvm, did),
        ] {
            let whole = try SignedManifest(parsing: bytes, format: format, signer: signer, at: ManifestVectors.now)
            for manifest in try survivors(bytes, format, signer) {
                #expect(manifest.values == whole.values && manifest.id == whole.id)
                #expect(manifest.version == whole.version && manifest.signedBy == whole.signedBy)
                #expect(manifest.signedAt == whole.signedAt && manifest.validUntil == whole.validUntil)
            }
        }
    }
}
