import FoundationEssentials
import X509Trust

#if canImport(Glibc)
    import Glibc
#endif

/// Certificates and revocation lists of anybody.
enum X509Targets {
    static func certificate(_ bytes: [UInt8]) {
        _ = try? Certificate.prefix(of: bytes)
        _ = try? PublicKey(spki: bytes)
        guard let certificate = try? Certificate(der: bytes) else { return }
        // What was read is these bytes and no others, in either form.
        guard certificate.der == bytes, (try? Certificate(pem: certificate.pem)) == certificate else { abort() }
        for item in certificate.extensions where certificate.extensionValue(item.oid) != item.value { abort() }
        if let key = try? certificate.publicKey {
            guard key.spki == certificate.publicKeyDER else { abort() }
            for algorithm in [SignatureAlgorithm.rsaPSS(.sha384), .ecdsa(.sha256), .ecdsaRaw(.sha384)] {
                if key.isValid(signature: Array(bytes.prefix(96)), over: bytes, algorithm) { abort() }
            }
        }
        guard let authority else { return }
        let anchors = [PinnedAnchor(name: "anchor", certificate: authority.certificate)]
        let path = [certificate, authority.certificate]
        // The anchor issued nothing.
        if (try? CertificateChain.verify(path: path, anchors: anchors, usage: .any, at: date)) != nil { abort() }
        _ = try? CertificateChain.verify(
            path: [certificate, certificate], anchors: [PinnedAnchor(name: "self", certificate: certificate)], at: date)
    }

    static func revocationList(_ bytes: [UInt8]) {
        guard let list = try? RevocationList(der: bytes) else { return }
        guard list.der == bytes else { abort() }
        _ = list.freshness(at: date, grace: .seconds(86_400))
        _ = list.revocation(ofSerial: Array(bytes.prefix(20)))
        guard let authority else { return }
        // The authority signed nothing.
        if (try? list.verify(issuer: authority.certificate)) != nil { abort() }
    }

    private static let date = Date(timeIntervalSince1970: 1_750_000_000)

    private static let authority = try? CertificateAuthority.generate(
        commonName: "Fuzz", validity: .days(3650, from: date.addingTimeInterval(-86_400)))
}
