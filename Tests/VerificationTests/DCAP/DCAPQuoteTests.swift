import Crypto
import Encodings
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

@Suite("DCAP: what quotes must be")
struct DCAPQuoteTests {
    private let intel: IntelStandIn

    init() throws { intel = try IntelStandIn() }

    private func code(_ quote: [UInt8]) async -> String? { await intel.outcome(quote).code }

    @Test("A12: Intel's names under another root, and another root in the quote, are refused")
    func otherRoot() async throws {
        let quote = try intel.quote(.plain())
        #expect(await intel.outcome(quote) { $0.anchors = PinnedAnchor.intel }.code == "chain_not_trusted")
        let other = try IntelStandIn()
        #expect(await intel.outcome(quote) { $0.anchors = other.anchors }.code == "chain_not_trusted")
        #expect(await intel.outcome(quote) { $0.anchors = [] }.code == "no_anchor")
        let thief = intel.authority.impersonated(by: try .generate(.ec(.p256)))
        let forged = try intel.quote(.plain(), certificates: intel.certificates(issuer: thief))
        #expect(await intel.outcome(forged).code == "chain_not_trusted")
        let mixed = try intel.quote(.plain(), certificates: other.certificates())
        #expect(await intel.outcome(mixed).code == "chain_not_trusted")
    }

    @Test("A12: certificates of Intel's that are not a platform's are refused")
    func otherCertificate() async throws {
        let stranger = try intel.root.authority(
            "Intel SGX Other CA", key: .generate(.ec(.p256)), from: intel.validity.from)
        let quote = try intel.quote(.plain(), certificates: intel.certificates(issuer: stranger))
        #expect(await intel.outcome(quote).code == "chain_not_trusted")
        let signer = Array((intel.signer.pem + intel.root.certificate.pem + intel.root.certificate.pem).utf8)
        #expect(await intel.outcome(try intel.quote(.plain(), certificates: signer)).code == "chain_not_trusted")
        var expired = intel
        expired.validity.until = IntelStandIn.now.addingTimeInterval(-1)
        #expect(await expired.outcome(try expired.quote(.plain())).code == "certificate_expired")
        var early = intel
        early.validity.from = IntelStandIn.now.addingTimeInterval(1)
        #expect(await early.outcome(try early.quote(.plain())).code == "certificate_not_yet_valid")
    }

    @Test("the certificates are three PEM blocks and nothing besides")
    func certificateText() async throws {
        let text = String(decoding: try intel.certificates(), as: UTF8.self)
        let blocks = text.components(separatedBy: "-----END CERTIFICATE-----\n").dropLast()
            .map { $0 + "-----END CERTIFICATE-----\n" }
        func code(_ text: String) async throws -> String? {
            await intel.outcome(try intel.quote(.plain(), certificates: Array(text.utf8))).code
        }
        for good in [text, text + "\0", text.replacing("\n", with: "\r\n"), text.dropLast() + "\0"] {
            #expect(try await code(good) == nil)
        }
        let wrong = [
            "x\n" + text, text + "x", text + "\0\0", text + "\0x", " " + text, blocks[0] + "\0" + blocks[1] + blocks[2],
            blocks[0] + blocks[1], text + blocks[2], blocks[0] + "# \n" + blocks[1] + blocks[2], "",
            text.replacing("BEGIN CERTIFICATE", with: "BEGIN X509 CERTIFICATE"), text.replacing("\nMI", with: "\n MI"),
        ]
        for text in wrong { #expect(try await code(text) == "malformed_evidence", "\(text.prefix(40))") }
        #expect(try await code(blocks[1] + blocks[0] + blocks[2]) == "chain_not_trusted")
    }

    @Test("the platform's certificate must say everything once, in range and in DER")
    func platformExtension() async throws {
        let member = PlatformDraft.member
        let zeros = [Int](repeating: 0, count: 15)
        let changes: [(inout PlatformDraft) -> Void] = [
            { $0.fmspc = [1, 2, 3] }, { $0.pceID = [] }, { $0.components = [256] + zeros },
            { $0.components = zeros }, { $0.components = zeros + [0, 0] }, { $0.pceSVN = 65_536 },
            { $0.others = [member("4", ASN1.octetString([1, 2, 3, 4, 5, 6]))] },
            { $0.others = [ASN1.sequence(ASN1.objectIdentifier("1.2.3"), ASN1.integer(1))] }, { $0.others = [[5, 0]] },
        ]
        for change in changes {
            var other = intel
            change(&other.platform)
            let quote = try other.quote(.plain())
            #expect(await other.outcome(quote) { $0.items = try intel.items() }.code == "malformed_evidence")
        }
        var newer = intel
        newer.platform.others = [member("8", ASN1.integer(1))]
        #expect(await newer.outcome(try newer.quote(.plain())).word == "UpToDate")
        #expect(
            refusalCode { () throws(VerificationError) in _ = try PCKExtension(der: [0x30, 0x80, 0, 0]) }
                == "malformed_evidence")
    }

    @Test("the signature of a quote of version 5 covers its body's type and size")
    func descriptorIsSigned() async throws {
        let good = try intel.quote(.plain(is15: true))
        let unsigned = try intel.attestationKey.signature(for: good.header.bytes + good.body.bytes)
        let quote = IntelQuote(
            header: good.header, bodyDescriptor: good.bodyDescriptor, body: good.body,
            signature: QuoteSignature(
                signature: Array(unsigned.rawRepresentation), attestationKey: good.signature.attestationKey,
                enclaveReport: good.signature.enclaveReport,
                enclaveReportSignature: good.signature.enclaveReportSignature,
                authenticationData: good.signature.authenticationData, certificates: good.signature.certificates))
        #expect(await intel.outcome(quote).code == "signature_invalid")
    }

    @Test("an attestation key that the quoting enclave did not bind is refused")
    func unboundKey() async throws {
        let key = Array(intel.attestationKey.publicKey.rawRepresentation)
        let digest = Array(SHA256.hash(data: key + Array(0..<32)))
        let enclave = try IntelStandIn.quotingEnclave(product: 2)
        let zeros = [UInt8](repeating: 0, count: 31)
        let bindings = [
            [UInt8](repeating: 1, count: 64), digest + zeros + [1],
            Array(SHA256.hash(data: key)) + zeros + [0], digest.reversed() + zeros + [0],
        ]
        for reportData in bindings {
            let quote = try intel.quote(.plain(), enclave: enclave.replacing(.reportData, reportData))
            #expect(await intel.outcome(quote).code == "key_not_bound")
        }
        let bound = try intel.quote(.plain(), enclave: enclave.replacing(.reportData, digest + zeros + [0]))
        #expect(await intel.outcome(bound).word == "UpToDate")
    }

    @Test("signatures of zero, of the group's order and with swapped halves are refused")
    func oddSignatures() async throws {
        let quote = try intel.quote(.plain()).encoded
        let order = try Hex.decode("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
        let zeros = [UInt8](repeating: 0, count: 32)
        let start = QuoteHeader.size + TrustDomainReport.size10 + 4
        let (r, s) = (Array(quote[start..<start + 32]), Array(quote[start + 32..<start + 64]))
        for signature in [s + r, zeros + s, r + zeros, order + s, r + order, zeros + zeros] {
            var forged = quote
            forged.replaceSubrange(start..<start + 64, with: signature)
            #expect(await code(forged) == "signature_invalid")
        }
    }

    @Test("versions, key types and certification data that cannot be verified are refused by name")
    func unsupported() async throws {
        let quote = try intel.quote(.plain()).encoded
        func changed(_ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
            var copy = quote
            copy.replaceSubrange(offset..<offset + bytes.count, with: bytes)
            return copy
        }
        for version: UInt8 in [0, 2, 3, 6, 255] {
            #expect(await code(changed(0, [version, 0])) == "unsupported_version")
        }
        #expect(await code(changed(2, [3, 0])) == "unsupported_version")
        #expect(await code(changed(4, [0x82, 0, 0, 0])) == "unsupported_version")
        let signature = QuoteHeader.size + TrustDomainReport.size10 + 4
        #expect(await code(changed(signature + 128, [5, 0])) == "unsupported_version")
        let inner = signature + 134 + EnclaveReport.size + 64 + 2 + 32
        for kind: UInt8 in [1, 2, 3, 4, 6, 7] {
            #expect(await code(changed(inner, [kind, 0])) == "unsupported_version")
        }
        let newer = try intel.quote(.plain(is15: true)).encoded
        for (offset, bytes) in [(48, [4, 0]), (48, [0, 0])] as [(Int, [UInt8])] {
            var copy = newer
            copy.replaceSubrange(offset..<offset + 2, with: bytes)
            #expect(await code(copy) == "unsupported_version")
        }
        for (offset, bytes) in [(48, [2, 0]), (48, [1, 0]), (50, [0x89, 2])] as [(Int, [UInt8])] {
            var copy = newer
            copy.replaceSubrange(offset..<offset + 2, with: bytes)
            #expect(await code(copy) == "malformed_evidence")
        }
    }

    @Test("every quote that was cut off, and every length that does not fit, is refused")
    func lengths() async throws {
        let quote = try intel.quote(.plain()).encoded
        for count in 0..<quote.count {
            #expect(throws: VerificationError.self) { try IntelQuote(parsing: Array(quote.prefix(count))) }
        }
        let signature = QuoteHeader.size + TrustDomainReport.size10
        let fields = [
            (signature, 4), (signature + 134, 4), (signature + 138 + 448, 2), (signature + 138 + 448 + 36, 4),
        ]
        for (offset, size) in fields {
            for change in [UInt8(1), 0xFF] {
                var copy = quote
                for index in 0..<size where change == 0xFF || index == 0 { copy[offset + index] &+= change }
                #expect(await code(copy) != nil)
            }
        }
        #expect(await code(quote + [0, 0, 0]) == nil)
        #expect(await code(quote + [0, 1, 0]) == "malformed_evidence")
        let large = quote + [UInt8](repeating: 0, count: 65_537 - quote.count)
        #expect(await code(large) == "malformed_evidence")
    }

    @Test("reserved bytes of an enclave's report and of the quoting enclave's must be zero")
    func reserved() async throws {
        for field in [EnclaveReport.Field.reserved1, .reserved2, .reserved3, .reserved4] {
            let bytes = [UInt8](repeating: 0, count: field.range.count - 1) + [1]
            let enclave = try IntelStandIn.quotingEnclave(product: 0).replacing(
                .attributeFlags, [5, 0, 0, 0, 0, 0, 0, 0])
            #expect(await intel.outcome(try intel.quote(enclave.replacing(field, bytes))).code == "malformed_evidence")
            let quoting = try IntelStandIn.quotingEnclave(product: 2).replacing(field, bytes)
            #expect(await intel.outcome(try intel.quote(.plain(), enclave: quoting)).code == "malformed_evidence")
        }
    }
}
