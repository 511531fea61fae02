import Encodings
import Foundation
import Testing
import X509TestSupport
import X509Trust

@Suite("Revocation lists")
struct RevocationListTests {
    private func code(_ change: (inout RevocationListDraft) -> Void) throws -> String? {
        let hierarchy = try Hierarchy()
        return try refusal { _ = try hierarchy.list(change) }
    }

    @Test("lists for a part of the certificates are refused: delta, indirect, of a distribution point")
    func partial() throws {
        for isCritical in [true, false] {
            let delta = TestExtension("2.5.29.27", isCritical: isCritical, value: ASN1.integer(1))
            #expect(try code { $0.extensions.append(delta) } == "unsupported_revocation_list")
            // indirectCRL is tag 4 of an issuing distribution point.
            for point: [UInt8] in [
                ASN1.sequence(ASN1.element(0x84, [0xff])), ASN1.sequence(ASN1.element(0x81, [0xff])),
            ] {
                let item = TestExtension("2.5.29.28", isCritical: isCritical, value: point)
                #expect(try code { $0.extensions.append(item) } == "unsupported_revocation_list")
            }
            let issuer = TestExtension("2.5.29.29", isCritical: isCritical, value: ASN1.sequence())
            #expect(
                try code { $0.entries = [.init([1], at: $0.thisUpdate, extensions: [issuer])] }
                    == "unsupported_revocation_list")
        }
    }

    @Test("critical extensions that are not known are refused in a list and in its entries, others pass")
    func criticalExtensions() throws {
        for (isCritical, expected) in [(true, "unsupported_revocation_list"), (false, nil)] {
            let item = TestExtension("1.3.6.1.4.1.99999.1", isCritical: isCritical, value: [5, 0])
            #expect(try code { $0.extensions.append(item) } == expected)
            #expect(try code { $0.entries = [.init([1], at: $0.thisUpdate, extensions: [item])] } == expected)
        }
        let reason = TestExtension("2.5.29.21", isCritical: true, value: [0x0a, 1, 1])
        #expect(try code { $0.entries = [.init([1], at: $0.thisUpdate, extensions: [reason])] } == nil)
    }

    @Test("a number that is there twice or is none is refused; a list needs none")
    func number() throws {
        let hierarchy = try Hierarchy()
        #expect(try hierarchy.list { $0.extensions = [.listNumber(300)] }.number == [1, 44])
        #expect(try hierarchy.list { $0.extensions = [] }.number == nil)
        #expect(try code { $0.extensions = [.listNumber(1), .listNumber(2)] } == "malformed_revocation_list")
        let text = TestExtension("2.5.29.20", value: ASN1.ia5String("1"))
        #expect(try code { $0.extensions = [text] } == "malformed_revocation_list")
        let negative = TestExtension("2.5.29.20", value: [2, 1, 0xff])
        #expect(try code { $0.extensions = [negative] } == "malformed_revocation_list")
    }

    @Test("a serial number is found whatever zeros stand before it, zero too; of two entries the earlier counts")
    func serialNumbers() throws {
        let hierarchy = try Hierarchy()
        let early = Hierarchy.start
        let late = early.addingTimeInterval(100)
        let list = try hierarchy.list {
            $0.entries = [
                .init([0], at: early), .init([0x80], at: late), .init([0x80], at: early), .init([0x80], at: late),
                .init([1, 0], at: late),
            ]
        }
        #expect(list.count == 3)
        #expect(list.revocation(ofSerial: [0x80]) == early)
        #expect(list.revocation(ofSerial: [0, 0, 0x80]) == early)
        #expect(list.revocation(ofSerial: []) == early)
        #expect(list.revocation(ofSerial: [0, 0]) == early)
        #expect(list.revocation(ofSerial: [1, 0]) == late)
        #expect(list.revocation(ofSerial: [1]) == nil)
    }

    @Test("AMD's list of Genoa names the first ASK and is signed by the ARK with RSA-PSS")
    func genoa() throws {
        let list = try Real.list("amd/genoa.crl")
        let root = try Real.certificate("amd/genoa_ark.der")
        #expect(throws: Never.self) { try list.verify(issuer: root) }
        #expect(list.issuer == root.subject)
        #expect(list.number == [4])
        #expect(list.count == 1)
        #expect(try list.revocation(ofSerial: [2, 0, 1]) == Real.date("2022-10-31T12:00:00Z"))
        #expect(try list.revocation(ofSerial: Real.certificate("amd/genoa_ask.der").serialNumber) == nil)
        #expect(try list.freshness(at: Real.date("2025-06-01T00:00:00Z")) == .fresh)
        #expect(try list.freshness(at: Real.date("2025-11-10T00:00:00Z")) == .stale)
        #expect(try list.freshness(at: Real.date("2025-11-10T00:00:00Z"), grace: .seconds(30 * 86_400)) == .withinGrace)
        #expect(try list.freshness(at: Real.date("2024-01-01T00:00:00Z")) == .future)
        for wrong in ["amd/milan_ark.der", "amd/genoa_ask.der", "intel/root.der"] {
            #expect(
                try refusal { try list.verify(issuer: Real.certificate(wrong)) } == "revocation_list_not_trusted")
        }
    }

    @Test("AMD's list makes the ASK good, and the VCEK, which no list covers, stays unknown")
    func milan() throws {
        let real = RealPath.all[0]
        let date = try Real.date("2025-06-01T00:00:00Z")
        let chain = try CertificateChain.verify(path: real.path(), anchors: [real.anchor()], at: date)
        let revocation = try ChainRevocation(
            chain: chain, lists: [Real.list("amd/milan.crl"), Real.list("amd/genoa.crl")])
        #expect(revocation.statuses(at: date).map(\.word) == ["no_list", "good"])
        let statuses = try RevocationPolicy(coverage: .issuersOnly).check(revocation, at: date)
        #expect(try statuses[1] == .good(nextUpdate: Real.date("2026-05-12T00:00:00Z"), isWithinGrace: false))
        #expect(try refusal { try RevocationPolicy().check(revocation, at: date) } == "revocation_unknown")
    }

    @Test("Intel's lists make a PCK and its authority good")
    func intel() throws {
        let real = try #require(RealPath.all.first { $0.name == "Intel PCK" })
        let date = try Real.date(real.date)
        let chain = try CertificateChain.verify(path: real.path(), anchors: [real.anchor()], at: date)
        let lists = try [Real.list("intel/pck_crl.der"), Real.list("intel/root_ca_crl.der")]
        let revocation = try ChainRevocation(chain: chain, lists: lists)
        #expect(revocation.statuses(at: date).map(\.word) == ["good", "good"])
        #expect(throws: Never.self) { try RevocationPolicy().check(revocation, at: date) }
        #expect(lists[0].count == 44)
        #expect(lists[0].revocation(ofSerial: try Hex.decode("6fc34e5023e728923435d61aa4b83c618166ad35")) != nil)
    }

    @Test(
        "IBM's test lists: the good ones, and those of another date, issuer or signer",
        arguments: [
            ("ibm.crl", "ibm.crt", true, "fresh"), ("ibm_outdated_early.crl", "ibm.crt", true, "future"),
            ("ibm_outdated_late.crl", "ibm.crt", true, "stale"), ("inter_ca.crl", "inter_ca.crt", true, "fresh"),
            ("inter_ca.invalid_date.crl", "inter_ca.crt", true, "stale"),
            ("inter_ca.invalid_signer.crl", "inter_ca.crt", false, "fresh"),
            ("ibm_invalid_hash.crl", "ibm.crt", false, "fresh"), ("fake_ibm.crl", "ibm.crt", false, "fresh"),
            ("ibm_wrong_subject.crl", "ibm.crt", false, "fresh"), ("fake_inter_ca.crl", "inter_ca.crt", false, "fresh"),
        ])
    func ibm(name: String, issuer: String, isSigned: Bool, freshness: String) throws {
        let list = try Real.list("ibm/\(name)")
        #expect(try list.isSigned(by: Real.certificate("ibm/\(issuer)").publicKey) == isSigned)
        #expect(try list.freshness(at: Real.date("2024-06-01T00:00:00Z")).rawValue == freshness)
    }

    @Test("IBM's test authority revoked one of the signing keys")
    func ibmRevoked() throws {
        let root = try Real.certificate("ibm/root_ca.crt")
        let anchor = PinnedAnchor(name: "root", certificate: root)
        let date = try Real.date("2024-06-01T00:00:00Z")
        let lists = try [Real.list("ibm/inter_ca.crl"), Real.list("ibm/root_ca.crl")]
        for (name, code) in [("ibm.crt", nil), ("ibm_rev.crt", "revoked")] {
            let path = try [Real.certificate("ibm/\(name)"), Real.certificate("ibm/inter_ca.crt"), root]
            let chain = try CertificateChain.verify(path: path, anchors: [anchor], at: date)
            let revocation = try ChainRevocation(chain: chain, lists: lists)
            #expect(try refusal { try RevocationPolicy().check(revocation, at: date) } == code)
        }
        let expired = try [Real.certificate("ibm/ibm_expired.crt"), Real.certificate("ibm/inter_ca.crt"), root]
        #expect(
            try refusal { _ = try CertificateChain.verify(path: expired, anchors: [anchor], at: date) }
                == "certificate_expired")
    }

    @Test("other bytes are no list: cut, lengthened, empty, a certificate, more than 4 MiB")
    func malformed() throws {
        let der = try Vectors.bytes("amd/genoa.crl")
        let wrong: [[UInt8]] = try [
            [], [0x30], Array(der.dropLast()), der + [0], der + der, Vectors.bytes("amd/genoa_ark.der"),
            [der[0], 0x83, 0] + der[2...], [UInt8](repeating: 0x30, count: 4_200_000),
        ]
        for bytes in wrong {
            #expect(try refusal { _ = try RevocationList(der: bytes) } == "malformed_revocation_list")
        }
        for text in ["", "x", try Real.certificate("amd/genoa_ark.der").pem] {
            #expect(try refusal { _ = try RevocationList(pem: text) } == "malformed_revocation_list")
        }
    }
}
