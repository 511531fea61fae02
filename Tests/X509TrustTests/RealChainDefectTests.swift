import Foundation
import Testing
import X509TestSupport
import X509Trust

@Suite("A12: real certificates in the wrong place")
struct RealChainDefectTests {
    private func code(_ path: [Certificate], _ real: RealPath, at date: Date? = nil) throws -> String? {
        try refusal {
            _ = try CertificateChain.verify(path: path, anchors: [real.anchor()], at: date ?? Real.date(real.date))
        }
    }

    @Test("a missing issuer, a missing leaf and a swapped order are refused", arguments: RealPath.all)
    func incomplete(real: RealPath) throws {
        let path = try real.path()
        #expect(try code(Array(path.dropLast()), real) == "chain_not_trusted")
        #expect(try code([path[0]] + path.dropFirst(2), real) == "chain_not_trusted")
        #expect(try code([path[path.count - 1]], real) == "chain_not_trusted")
        #expect(try code(path.reversed(), real) == "chain_not_trusted")
    }

    @Test("outside their validity they are refused", arguments: RealPath.all)
    func dates(real: RealPath) throws {
        let path = try real.path()
        let chain = try CertificateChain.verify(path: path, anchors: [real.anchor()], at: Real.date(real.date))
        #expect(try code(path, real, at: chain.notBefore.addingTimeInterval(-1)) == "certificate_not_yet_valid")
        #expect(try code(path, real, at: chain.notBefore) == nil)
        #expect(try code(path, real, at: chain.notAfter) == nil)
        #expect(try code(path, real, at: chain.notAfter.addingTimeInterval(1)) == "certificate_expired")
    }

    @Test("issuers replaced by self-made ones of the same name are refused", arguments: RealPath.all)
    func replacedIssuer(real: RealPath) throws {
        let path = try real.path()
        let key = try TestKey.generate(.ec(.p384))
        let root = try TestIssuer.root(
            TestName(der: #require(subject(path[1]))), key: key, from: path[1].notBefore)
        let forged = [path[0], root.certificate] + path.dropFirst(2)
        #expect(try code(forged, real) == "chain_not_trusted")
    }

    @Test("the issuer of another product is refused")
    func otherProduct() throws {
        let milan = try RealPath.all[0].path()
        let genoa = try RealPath.all[1].path()
        let date = try Real.date("2025-06-26T00:00:00Z")
        #expect(try code([milan[0], genoa[1], genoa[2]], RealPath.all[1], at: date) == "chain_not_trusted")
        // A VCEK is not issued by the key of VLEKs, whatever root both have.
        let asvk = try Real.certificate("amd/milan_asvk.der")
        #expect(try code([milan[0], asvk, milan[2]], RealPath.all[0]) == "chain_not_trusted")
    }

    @Test("an NVIDIA chain that lacks one of its authorities is refused")
    func nvidia() throws {
        let path = try Real.certificates("nvidia/missing-intermediate.pem")
        let root = try Real.certificate("nvidia/root.pem")
        let anchor = PinnedAnchor(name: "NVIDIA", certificate: root)
        #expect(throws: X509Error.self) {
            try CertificateChain.verify(path: path, anchors: [anchor], at: Real.date("2025-06-01T00:00:00Z"))
        }
    }

    @Test("Google's keys for encryption sign no quotes")
    func encryptionKeys() throws {
        for name in ["uca_tpm_ecc_enc_cert", "uca_tpm_rsa_enc_cert"] {
            let path = try ["\(name).pem", "tpm_ek_intermediate_3.crt", "tpm_ek_root_1.cer"].map {
                try Real.certificate("google/\($0)")
            }
            let anchor = PinnedAnchor(name: "Google", certificate: path[2])
            let error = #expect(throws: X509Error.self) {
                try CertificateChain.verify(path: path, anchors: [anchor], at: Real.date("2024-01-01T00:00:00Z"))
            }
            #expect(error?.message.contains("another use") == true)
            #expect(throws: Never.self) {
                try CertificateChain.verify(
                    path: path, anchors: [anchor], usage: .any, at: Real.date("2024-01-01T00:00:00Z"))
            }
        }
    }

    /// The subject of a certificate as DER, from its attributes as they are printed.
    private func subject(_ certificate: Certificate) -> [UInt8]? {
        var rest = certificate.der[...]
        guard let outer = DER.first(rest)?.content, let content = DER.first(outer)?.content else { return nil }
        rest = content
        // The version, the serial number, the algorithm, the issuer and the validity stand before the subject.
        for _ in 0..<5 {
            guard let next = DER.first(rest)?.element else { return nil }
            rest = rest[next.endIndex...]
        }
        return DER.first(rest).map { Array($0.element) }
    }
}
