import Encodings
import Foundation
import Testing
import X509Trust

@Suite("Certificate authority and chains")
struct CertificateAuthorityTests {
    private let start = Date(timeIntervalSince1970: 1_800_000_000)
    private var later: Date { start.addingTimeInterval(86_400) }

    private func authority(_ name: String = "Test CA") throws -> CertificateAuthority {
        try CertificateAuthority.generate(commonName: name, validity: .days(3650, from: start))
    }

    private func chainCode(
        _ leaf: Certificate, intermediates: [Certificate] = [], anchors: [Certificate], at date: Date
    ) -> String? {
        do throws(X509Error) {
            try CertificateChain.verify(
                leaf: leaf.der, intermediates: intermediates.map(\.der), anchors: anchors.map(\.der), at: date)
            return nil
        } catch {
            return error.code
        }
    }

    @Test("an issued certificate leads to its authority and to no other")
    func chain() throws {
        let authority = try authority()
        let server = try authority.issue(
            commonName: "broker", dnsNames: ["broker.example", "*.broker.example"], ipAddresses: ["127.0.0.1", "::1"],
            usage: .tlsServer, validity: .days(30, from: start))
        #expect(server.certificate.issuer == "CN=Test CA")
        #expect(server.certificate.subject == "CN=broker")
        #expect(chainCode(server.certificate, anchors: [authority.certificate], at: later) == nil)

        let lookAlike = try self.authority()
        #expect(chainCode(server.certificate, anchors: [lookAlike.certificate], at: later) == "chain_not_trusted")
        #expect(
            chainCode(
                server.certificate, intermediates: [authority.certificate], anchors: [lookAlike.certificate], at: later)
                == "chain_not_trusted")
        #expect(chainCode(server.certificate, anchors: [], at: later) == "no_anchor")
    }

    @Test("a server's certificate carries its names, its addresses and its one purpose")
    func serverNames() throws {
        let der = try authority().issue(
            commonName: "broker", dnsNames: ["broker.example", "*.broker.example"], ipAddresses: ["127.0.0.1", "::1"],
            usage: .tlsServer, validity: .days(30, from: start)
        ).certificate.der
        // GeneralName tags of RFC 5280 section 4.2.1.6: 0x82 is dNSName, 0x87 is iPAddress.
        let expected: [[UInt8]] = [
            [0x82, 14] + Array("broker.example".utf8), [0x82, 16] + Array("*.broker.example".utf8),
            [0x87, 4, 127, 0, 0, 1], [0x87, 16] + [UInt8](repeating: 0, count: 15) + [1],
            // id-kp-serverAuth, RFC 5280 section 4.2.1.12.
            [0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1],
        ]
        for item in expected { #expect(Data(der).range(of: Data(item)) != nil) }
        #expect(Data(der).range(of: Data([0x06, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2])) == nil)
    }

    @Test("a certificate is valid between its dates only")
    func validity() throws {
        let authority = try authority()
        let leaf = try authority.issue(commonName: "x", usage: .tokenSigning, validity: .days(30, from: start))
        #expect(leaf.certificate.notBefore == start.addingTimeInterval(-300))
        #expect(leaf.certificate.notAfter == start.addingTimeInterval(30 * 86_400))
        let anchors = [authority.certificate]
        #expect(
            chainCode(leaf.certificate, anchors: anchors, at: start.addingTimeInterval(-400))
                == "certificate_not_yet_valid")
        #expect(
            chainCode(leaf.certificate, anchors: anchors, at: start.addingTimeInterval(31 * 86_400))
                == "certificate_expired")
    }

    @Test("A12: without a self-signed anchor there is no chain, and a leaf issues nothing")
    func noPartialChains() throws {
        let authority = try authority()
        let leaf = try authority.issue(commonName: "leaf", usage: .tlsServer, validity: .days(30, from: start))
        #expect(chainCode(leaf.certificate, anchors: [leaf.certificate], at: later) == "chain_not_trusted")

        let rogue = try CertificateAuthority(certificatePEM: leaf.certificate.pem, keyPEM: leaf.keyPEM)
        let forged = try rogue.issue(commonName: "forged", usage: .tlsServer, validity: .days(30, from: start))
        #expect(
            chainCode(
                forged.certificate, intermediates: [leaf.certificate], anchors: [authority.certificate], at: later)
                == "chain_not_trusted")
    }

    @Test("an authority is restored from its PEM forms and issues as before")
    func restored() throws {
        let authority = try authority()
        let restored = try CertificateAuthority(
            certificatePEM: authority.certificatePEM, keyPEM: authority.keyPEM)
        let leaf = try restored.issue(commonName: "x", usage: .tlsClient, validity: .days(1, from: start))
        #expect(chainCode(leaf.certificate, anchors: [authority.certificate], at: start) == nil)
        #expect("\(authority.keyPEM)" == "<\(authority.keyPEM.count) secret bytes>")

        let other = try self.authority()
        let error = #expect(throws: X509Error.self) {
            try CertificateAuthority(certificatePEM: authority.certificatePEM, keyPEM: other.keyPEM)
        }
        #expect(error?.code == "key_mismatch")
        for text in ["", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"] {
            #expect(throws: X509Error.self) {
                try CertificateAuthority(
                    certificatePEM: authority.certificatePEM, keyPEM: SecretBytes(Array(text.utf8)))
            }
        }
    }

    @Test("a certificate is issued for a key that somebody else holds")
    func foreignKey() throws {
        let authority = try authority()
        let holder = try self.authority("holder")
        let issued = try authority.issue(
            publicKeyDER: holder.certificate.publicKeyDER, commonName: "holder", usage: .tokenSigning,
            validity: .days(1, from: start))
        #expect(issued.publicKeyDER == holder.certificate.publicKeyDER)
        #expect(chainCode(issued, anchors: [authority.certificate], at: start) == nil)
        #expect(throws: X509Error.self) {
            try authority.issue(
                publicKeyDER: [1, 2, 3], commonName: "x", usage: .tokenSigning, validity: .days(1, from: start))
        }
    }

    @Test("serial numbers and keys never repeat")
    func unique() throws {
        let authority = try authority()
        let issued = try (0..<20).map { _ in
            try authority.issue(commonName: "x", usage: .tlsServer, validity: .days(1, from: start)).certificate
        }
        #expect(Set(issued.map(\.der)).count == 20)
        #expect(Set(issued.map(\.publicKeyDER)).count == 20)
    }

    @Test(
        "names that are no names are refused, also those that would smuggle in another",
        arguments: [
            (["a,DNS:evil.example"], []), (["a b"], []), ([""], []), (["a..b"], []), (["*"], []), (["a.*.b"], []),
            (["a\u{0}b"], []), (["ä.example"], []), ([], ["1.2.3"]), ([], ["127.0.0.1,DNS:evil"]), ([], ["localhost"]),
            ([], [""]),
        ] as [([String], [String])])
    func smuggledNames(dnsNames: [String], ipAddresses: [String]) throws {
        let authority = try authority()
        let error = #expect(throws: X509Error.self) {
            try authority.issue(
                commonName: "x", dnsNames: dnsNames, ipAddresses: ipAddresses, usage: .tlsServer,
                validity: .days(1, from: start))
        }
        #expect(error?.code == "invalid_subject")
    }

    @Test("a subject's name is 1 to 64 characters", arguments: ["", String(repeating: "x", count: 65), "a\u{0}b"])
    func commonName(name: String) {
        #expect(throws: X509Error.self) {
            try CertificateAuthority.generate(commonName: name, validity: .days(1, from: start))
        }
    }

    @Test("a validity that ends before it begins is refused")
    func emptyValidity() {
        let error = #expect(throws: X509Error.self) {
            try CertificateAuthority.generate(
                commonName: "x", validity: CertificateValidity(notBefore: start, notAfter: start))
        }
        #expect(error?.code == "invalid_validity")
    }
}
