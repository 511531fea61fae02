import Encodings
import Foundation
import Testing
import X509TestSupport
import X509Trust

@Suite("What certificates say")
struct RealCertificateTests {
    @Test("a VCEK has serial number zero and AMD's extensions, its chip's key is on P-384")
    func vcek() throws {
        let vcek = try Real.certificate("amd/milan_vcek.der")
        #expect(vcek.serialNumber == [0])
        #expect(vcek.subjectCommonName == "SEV-VCEK")
        #expect(vcek.issuerCommonName == "SEV-Milan")
        #expect(vcek.extensionValue("1.3.6.1.4.1.3704.1.2") == [0x16, 8] + Array("Milan-B0".utf8))
        #expect(vcek.extensionValue("1.3.6.1.4.1.3704.1.3.8") == [2, 1, 0x73])
        #expect(vcek.extensionValue("1.3.6.1.4.1.3704.1.4")?.count == 64)
        #expect(vcek.extensionValue("1.3.6.1.4.1.3704.1.3.9") == nil)
        #expect(vcek.extensionValue("") == nil)
        #expect(try vcek.publicKey.kind == .ec(.p384))
        #expect(try vcek.publicKey.x963?.count == 97)
        #expect(try Real.certificate("amd/turin_vcek.der").extensionValue("1.3.6.1.4.1.3704.1.4")?.count == 8)
    }

    @Test("a fingerprint is the SHA-256 of all bytes")
    func fingerprint() throws {
        let root = try Real.certificate("azure/azure_tpm_root_2023.pem")
        #expect(
            Hex.encode(root.fingerprint) == "e6c596b17f8ffefba5c300f714cfb1260c6028704ecf7becc4ab5018efb00e95")
        #expect(try DigestAlgorithm.sha256.hash(root.der) == root.fingerprint)
    }

    @Test("a serial number whose first bit is set is not negative, and keeps no zero in front")
    func serialNumber() throws {
        #expect(
            Hex.encode(try Real.certificate("nitro/root.pem").serialNumber) == "f93175681b90afe11d46ccb4e4e7f856")
        #expect(try Real.certificate("amd/milan_ark.der").serialNumber == [1, 0, 0])
    }

    @Test("the year 9999 is read")
    func year9999() throws {
        let root = try Real.certificate("nvidia/root.pem")
        #expect(try root.notAfter == Real.date("9999-12-31T23:59:59Z"))
    }

    @Test("the certificate in a buffer of 4096 bytes padded with zeros is found, and nothing may follow but zeros")
    func zeroPadded() throws {
        let buffer = try Vectors.bytes("azure/ak-03-nv-4096.bin")
        #expect(buffer.count == 4096)
        #expect(try Certificate.prefix(of: buffer).der == Vectors.bytes("azure/ak-03.der"))
        let exact = try Vectors.bytes("azure/ak-03.der")
        #expect(try Certificate.prefix(of: exact).der == exact)
        for index in [exact.count, 4095] {
            var dirty = buffer
            dirty[index] = 1
            #expect(try refusal { _ = try Certificate.prefix(of: dirty) } == "malformed_certificate")
        }
        let wrong: [[UInt8]] = [
            [], [0x30], [0x30, 0x82], [0x30, 0x82, 0xff, 0xff], Array(exact.dropLast()),
            [UInt8](repeating: 0, count: 4096),
            exact + [UInt8](repeating: 0, count: 70_000),
        ]
        for bytes in wrong { #expect(throws: X509Error.self) { try Certificate.prefix(of: bytes) } }
    }

    @Test("a common name is given only where there is exactly one")
    func commonNames() throws {
        let hierarchy = try Hierarchy()
        func name(_ attributes: [(String, String)]) throws -> String? {
            try hierarchy.authority.issue(
                CertificateDraft(
                    subject: TestName(attributes.map { (type: $0.0, value: $0.1) }),
                    publicKey: hierarchy.leafKey.publicKey, from: Hierarchy.start)
            ).subjectCommonName
        }
        #expect(try name([("O", "x"), ("CN", "Grüße")]) == "Grüße")
        #expect(try name([("O", "x")]) == nil)
        #expect(try name([("CN", "a"), ("CN", "b")]) == nil)
    }

    @Test("an extension that is there twice and a negative serial number make a certificate unreadable")
    func ambiguity() throws {
        let hierarchy = try Hierarchy()
        func code(_ change: (inout CertificateDraft) -> Void) throws -> String? {
            var draft = CertificateDraft(
                subject: "x", publicKey: hierarchy.leafKey.publicKey, from: Hierarchy.start)
            change(&draft)
            let der = try hierarchy.authority.issueDER(draft)
            return try refusal { _ = try Certificate(der: der) }
        }
        let item = TestExtension("1.2.3.4", value: [5, 0])
        #expect(try code { $0.extensions = [item] } == nil)
        #expect(try code { $0.extensions = [item, item] } == "malformed_certificate")
        #expect(try code { $0.serialNumber = [0xff] } == "malformed_certificate")
        #expect(try code { $0.serialNumber = [] } == "malformed_certificate")
    }

    @Test("two encodings of one certificate are not both read")
    func otherEncoding() throws {
        let der = try Vectors.bytes("intel/root.der")
        // The outer length in three bytes instead of two, as BER allows.
        let longer = [der[0], 0x83, 0x00] + der[2...]
        #expect(try refusal { _ = try Certificate(der: longer) } == "malformed_certificate")
        // An indefinite length that ends with two zeros.
        let indefinite = [der[0], 0x80] + der[4...] + [0, 0]
        #expect(try refusal { _ = try Certificate(der: indefinite) } == "malformed_certificate")
    }

    @Test("more than 64 KiB is no certificate")
    func size() throws {
        let hierarchy = try Hierarchy()
        var draft = CertificateDraft(subject: "x", publicKey: hierarchy.leafKey.publicKey, from: Hierarchy.start)
        draft.extensions = [TestExtension("1.2.3.4", value: [UInt8](repeating: 0, count: 66_000))]
        let der = try hierarchy.authority.issueDER(draft)
        #expect(try refusal { _ = try Certificate(der: der) } == "malformed_certificate")
    }

    @Test("IBM's signing key signs host-key documents without being an authority")
    func hostKeyDocument() throws {
        let key = try Real.certificate("ibm/ibm.crt").publicKey
        let document = try Real.certificate("ibm/host.crt")
        #expect(document.isSigned(by: key))
        #expect(try document.publicKey.kind == .ec(.p521))
        #expect(try !document.isSigned(by: Real.certificate("ibm/fake_ibm.crt").publicKey))
        #expect(try !document.isSigned(by: document.publicKey))
    }
}
