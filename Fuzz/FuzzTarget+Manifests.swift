import Encodings
import FoundationEssentials
import Verification
import X509Trust

#if canImport(Glibc)
    import Glibc
#endif

extension FuzzTarget {
    /// Manifests of reference values in every format; nobody here signed any.
    func signedManifest(_ bytes: [UInt8]) {
        guard let key = Self.manifestKey else { return }
        for format in [ManifestFormat.inToto, .corim] {
            let manifest = try? SignedManifest(
                parsing: bytes, format: format, signer: .keys([key]), at: Self.manifestDate)
            if manifest != nil { abort() }
        }
        if let did = Self.manifestIssuer {
            _ = try? SignedManifest(parsing: bytes, format: .uvm, signer: .certificate(did), at: Self.manifestDate)
        }
        _ = try? X509DID(String(decoding: bytes, as: UTF8.self))
        _ = try? InTotoStatement(parsing: bytes)
        _ = CoRIMValues.isSigned(bytes)
        for value in (try? CoRIMValues.unsigned(bytes)) ?? [] where value.name.isEmpty { abort() }
    }

    private static let manifestDate = Date(timeIntervalSince1970: 1_800_000_000)

    private static let manifestIssuer = try? X509DID(
        "did:x509:0:sha256:I__iuL25oXEVFdTP_aBLx_eT1RPHbCQ_ECBQfYZpt9s::eku:1.3.6.1.4.1.311.76.59.1.2")

    private static let manifestKey = try? CertificateAuthority.generate(
        commonName: "Fuzz", validity: .days(3650, from: manifestDate)
    ).certificate.publicKey
}
