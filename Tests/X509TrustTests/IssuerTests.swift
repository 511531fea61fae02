import COpenSSL
import Foundation
import Testing

@testable import X509Trust

@Suite("A12: issuers must say that they issue")
struct IssuerTests {
    private let start = Date(timeIntervalSince1970: 1_800_000_000)

    /// Whether a leaf is trusted whose self-signed issuer, an anchor, has these extensions.
    private func isTrusted(issuer extensions: [CertificateExtension]) throws -> Bool {
        let validity = CertificateValidity.days(10, from: start)
        let key = try SigningKeyPair.generate()
        let issuer = try CertificateBuilder(
            subject: "issuer", issuer: nil, publicKeyDER: key.publicKeyDER, validity: validity, extensions: extensions
        ).signed(by: key)
        let leaf = try CertificateBuilder(
            subject: "leaf", issuer: issuer, publicKeyDER: SigningKeyPair.generate().publicKeyDER, validity: validity,
            extensions: []
        ).signed(by: key)
        do throws(X509Error) {
            try CertificateChain.verify(leaf: leaf.der, anchors: [issuer.der], at: start)
            return true
        } catch {
            #expect(error.code == "chain_not_trusted")
            return false
        }
    }

    private let constraints = CertificateExtension(NID_basic_constraints, "critical,CA:TRUE")
    private let usage = CertificateExtension(NID_key_usage, "critical,keyCertSign")

    @Test("with basic constraints and key usage a chain is trusted")
    func both() throws {
        #expect(try isTrusted(issuer: [constraints, usage]))
    }

    @Test("without basic constraints, key usage or both it is not")
    func missing() throws {
        #expect(try !isTrusted(issuer: [usage]))
        #expect(try !isTrusted(issuer: [constraints]))
        #expect(try !isTrusted(issuer: []))
    }

    @Test("extensions that say no are heeded")
    func contrary() throws {
        #expect(try !isTrusted(issuer: [CertificateExtension(NID_basic_constraints, "critical,CA:FALSE"), usage]))
        #expect(try !isTrusted(issuer: [constraints, CertificateExtension(NID_key_usage, "digitalSignature")]))
    }

    @Test("a self-signed certificate that is itself an anchor needs no issuer")
    func alone() throws {
        let key = try SigningKeyPair.generate()
        let certificate = try CertificateBuilder(
            subject: "alone", issuer: nil, publicKeyDER: key.publicKeyDER, validity: .days(10, from: start),
            extensions: []
        ).signed(by: key)
        #expect(throws: Never.self) {
            try CertificateChain.verify(leaf: certificate.der, anchors: [certificate.der], at: start)
        }
    }
}
