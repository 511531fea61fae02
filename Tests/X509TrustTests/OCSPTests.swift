import Foundation
import Testing
import X509TestSupport
import X509Trust

@Suite("OCSP answers")
struct OCSPTests {
    private let now = Date(timeIntervalSince1970: 1_770_000_000)

    private struct Site {
        let root: TestIssuer
        let authority: TestIssuer
        let leaf: Certificate
        var path: [Certificate] { [leaf, authority.certificate, root.certificate] }
    }

    private func site() throws -> Site {
        let start = now.addingTimeInterval(-86_400)
        let root = try TestIssuer.root("root", key: .generate(.ec(.p384)), from: start)
        let authority = try root.authority("authority", key: .generate(.ec(.p384)), from: start) {
            $0.serialNumber = [0x21]
        }
        let leaf = try authority.issue(
            CertificateDraft(
                subject: "leaf", publicKey: TestKey.generate(.ec(.p384)).publicKey, from: start,
                extensions: [.keyUsage(.digitalSignature)], serialNumber: [0x51, 0x52]))
        return Site(root: root, authority: authority, leaf: leaf)
    }

    private func code(_ der: [UInt8], _ path: [Certificate], at offset: TimeInterval = 0) -> String? {
        do throws(X509Error) {
            _ = try OCSPResponse(der: der).status(of: path[...], at: now.addingTimeInterval(offset))
            return nil
        } catch {
            return error.code
        }
    }

    @Test("an answer of the issuer counts between its dates, for the certificate that it names")
    func issuer() throws {
        let site = try site()
        let answer = try site.authority.ocspResponse(OCSPResponseDraft(site.leaf, at: now))
        let status = try OCSPResponse(der: answer).status(of: site.path[...], at: now)
        #expect(
            status == .good(thisUpdate: now.addingTimeInterval(-3600), nextUpdate: now.addingTimeInterval(86_400)))
        #expect(code(answer, site.path, at: -3601) == "ocsp_response_invalid")
        #expect(code(answer, site.path, at: 86_401) == "ocsp_response_invalid")
        #expect(code(answer, Array(site.path.dropFirst())) == "ocsp_response_invalid")
        let above = try site.root.ocspResponse(OCSPResponseDraft(site.authority.certificate, at: now))
        #expect(code(above, Array(site.path.dropFirst())) == nil)
        var draft = OCSPResponseDraft(site.leaf, at: now)
        draft.nextUpdate = nil
        #expect(code(try site.authority.ocspResponse(draft), site.path) == "ocsp_response_invalid")
    }

    @Test("a revoked certificate and one on hold are revoked, and one that is not known is nothing")
    func statuses() throws {
        let site = try site()
        let since = now.addingTimeInterval(-7200)
        for reason in [1, 6] as [UInt8] {
            let answer = try site.authority.ocspResponse(
                OCSPResponseDraft(site.leaf, .revoked(since, reason: reason), at: now))
            let status = try OCSPResponse(der: answer).status(of: site.path[...], at: now)
            #expect(status == .revoked(since: since, reason: Int(reason)))
        }
        let unknown = try site.authority.ocspResponse(OCSPResponseDraft(site.leaf, .unknown, at: now))
        #expect(code(unknown, site.path) == "ocsp_response_invalid")
    }

    @Test("a responder counts when the issuer certified it for this, and nobody else does")
    func responders() throws {
        let site = try site()
        let start = now.addingTimeInterval(-86_400)
        let usage = TestExtension(
            "2.5.29.37", value: ASN1.sequence(ASN1.objectIdentifier("1.3.6.1.5.5.7.3.9")))
        func responder(of issuer: TestIssuer, _ extensions: [TestExtension]) throws -> TestIssuer {
            try issuer.authority("responder", key: .generate(.ec(.p384)), from: start) {
                ($0.extensions, $0.serialNumber) = (extensions, [0x33])
            }
        }
        let draft = OCSPResponseDraft(site.leaf, at: now)
        let right = try responder(of: site.authority, [.keyUsage(.digitalSignature), usage])
        #expect(code(try site.authority.ocspResponse(draft, by: right), site.path) == nil)
        let foreign = try TestIssuer.root("root", key: .generate(.ec(.p384)), from: start)
        for signer in [
            try responder(of: site.authority, [.keyUsage(.digitalSignature)]),
            try responder(of: site.root, [.keyUsage(.digitalSignature), usage]),
            try responder(of: foreign, [.keyUsage(.digitalSignature), usage]), foreign, site.root,
        ] {
            let answer = try site.authority.ocspResponse(draft, by: signer)
            #expect(code(answer, site.path) == "ocsp_response_invalid")
        }
        let impostor = site.authority.impersonated(by: try .generate(.ec(.p384)))
        #expect(code(try impostor.ocspResponse(draft), site.path) == "ocsp_response_invalid")
    }

    @Test("no change of a single bit is accepted, and no bytes bring the reader down")
    func damage() throws {
        let site = try site()
        let answer = try site.authority.ocspResponse(OCSPResponseDraft(site.leaf, at: now))
        for index in stride(from: 0, to: answer.count, by: 3) {
            var mutant = answer
            mutant[index] ^= 1 << UInt8(index % 8)
            #expect(code(mutant, site.path) != nil, "byte \(index)")
        }
        for bytes in [[], [0x30, 0], [0x30, 3, 0x0a, 1, 6], Array(answer.dropLast()), answer + [0]] {
            #expect(throws: X509Error.self) { try OCSPResponse(der: bytes) }
        }
    }
}
