import Encodings
import Foundation
import Testing
import X509Trust

@Suite("Certificates")
struct CertificateTests {
    @Test("a certificate tells its names, dates and key")
    func fields() throws {
        let certificate = try Certificate(pem: Vectors.text("cert-chain.pem"))
        #expect(certificate.subject == "CN=as-jwks-fixture")
        #expect(certificate.issuer == certificate.subject)
        #expect(certificate.notBefore == Date(timeIntervalSince1970: 1_704_067_200))
        #expect(certificate.notAfter == Date(timeIntervalSince1970: 2_019_686_400))
        let jwk = try #require(Vectors.json("expected-jwks.json")[pointer: "/keys/0"])
        let point =
            try [4] + Base64.decodeURL(#require(jwk["x"]?.stringValue))
            + Base64.decodeURL(#require(jwk["y"]?.stringValue))
        #expect(Array(certificate.publicKeyDER.suffix(65)) == point)
        #expect(Base64.encode(certificate.der) == jwk[pointer: "/x5c/0"]?.stringValue)
    }

    @Test("DER and PEM forms are the same certificate")
    func forms() throws {
        let pem = try Vectors.text("cert-chain.pem")
        let certificate = try Certificate(pem: pem)
        #expect(try Certificate(der: certificate.der) == certificate)
        #expect(try Certificate(pem: certificate.pem) == certificate)
        #expect(certificate.pem.contains(pem.trimmingCharacters(in: .whitespacesAndNewlines)))
    }

    @Test("all certificates of a bundle are read in their order")
    func bundle() throws {
        let all = try Certificate.all(pem: Vectors.text("scenario06-trust.pem"))
        #expect(all.map(\.subject) == ["CN=scenario06-decoy-root,O=KBS-JWK-Test", "CN=scenario06-root,O=KBS-JWK-Test"])
        #expect(throws: X509Error.self) { try Certificate(pem: Vectors.text("scenario06-trust.pem")) }
    }

    @Test("other bytes are refused: cut, lengthened, empty, and PEM without or with a broken block")
    func malformed() throws {
        let certificate = try Certificate(pem: Vectors.text("cert-chain.pem"))
        for der in [
            [], [0x30], Array(certificate.der.dropLast()), certificate.der + [0], certificate.der + certificate.der,
        ] {
            let error = #expect(throws: X509Error.self) { try Certificate(der: der) }
            #expect(error?.code == "malformed_certificate")
        }
        for pem in [
            "", "hello", certificate.pem.replacing("-----END", with: "----END"),
            certificate.pem.replacing("MII", with: "MI!"),
        ] {
            #expect(throws: X509Error.self) { try Certificate.all(pem: pem) }
        }
        let encrypted = """
            -----BEGIN CERTIFICATE-----
            Proc-Type: 4,ENCRYPTED
            DEK-Info: AES-256-CBC,00112233445566778899AABBCCDDEEFF

            AAAA
            -----END CERTIFICATE-----
            """
        #expect(throws: X509Error.self) { try Certificate.all(pem: encrypted) }
    }

    @Test("A23: mutated certificates never crash the reader or the chain builder")
    func fuzz() throws {
        let seed = try Certificate(pem: Vectors.text("cert-chain.pem")).der
        var state: UInt64 = 42
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        for _ in 0..<5000 {
            var der = seed
            for _ in 0...next(4) { der[next(der.count)] = UInt8(next(256)) }
            if next(4) == 0 { der.removeLast(next(der.count)) }
            guard let certificate = try? Certificate(der: der) else { continue }
            _ = try? CertificateChain.verify(
                leaf: certificate.der, intermediates: [seed], anchors: [certificate.der], at: certificate.notBefore)
        }
    }
}
