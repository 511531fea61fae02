import Crypto
import Encodings
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

@Suite("TPM: quotes")
struct TPMVerifierTests {
    private let digest = [UInt8](1...48)
    private let date = Date(timeIntervalSince1970: 1_780_000_000)
    private var nonce: [UInt8] { Array(digest.prefix(32)) }
    private var binding: EvidenceBinding { EvidenceBinding(reportData: [digest]) }

    private func verifier(_ change: (inout TPMVerifier.Options) -> Void = { _ in }) -> TPMVerifier {
        var options = TPMVerifier.Options()
        change(&options)
        return TPMVerifier(options)
    }

    private func result(
        _ content: JSONValue, _ verifier: TPMVerifier, _ binding: EvidenceBinding? = nil
    ) async throws -> EvidenceClaims {
        let results = try await verifier.verify(
            Evidence(tee: .tpm, content: content), binding: binding ?? self.binding,
            context: VerificationContext(clock: .fixed(date)))
        return try #require(results.first)
    }

    @Test(
        "quotes by RSA and elliptic-curve keys verify, of the nonce's first 32 bytes",
        arguments: [TestKey.Kind.rsa(2048), .ec(.p256), .ec(.p384)])
    func schemes(kind: TestKey.Kind) async throws {
        let tpm = try SoftTPM(kind)
        let content = try tpm.evidence(nonce: nonce)
        let result = try await result(content, verifier { $0.trustedKeys = [tpm.key.publicKey.spki] })
        #expect(result.claims["report_data"] == .string(Hex.encode(nonce)))
        #expect(result.claims["ak_trust"] == "allow_list")
        #expect(result.claims["reset_count"] == 3)
        #expect(result.claims["restart_count"] == 1)
        #expect(result.claims["firmware_version"] == "2016051100162800")
    }

    @Test("RSASSA-PSS is verified too")
    func pss() async throws {
        var tpm = try SoftTPM(.rsa(2048))
        tpm.scheme = .pss
        #expect(await verifier().refusal(try tpm.evidence(nonce: nonce), binding) == nil)
    }

    @Test("a nonce that is another, cut otherwise, padded otherwise or missing is refused")
    func nonces() async throws {
        let tpm = try SoftTPM()
        #expect(
            await verifier().refusal(try tpm.evidence(nonce: digest + [UInt8](repeating: 0, count: 16)), binding) == nil
        )
        for wrong in [
            [], Array(digest.prefix(31)), digest, Array(digest.prefix(20)), nonce.reversed(),
            nonce + [UInt8](repeating: 0, count: 32), digest + [UInt8](repeating: 1, count: 16),
        ] {
            #expect(await verifier().refusal(try tpm.evidence(nonce: wrong), binding) == "report_data_mismatch")
        }
        let unbound = EvidenceBinding(reportData: [])
        #expect(await verifier().refusal(try tpm.evidence(nonce: nonce), unbound) == "report_data_mismatch")
    }

    @Test("the hardware is never affirmed: named and certified keys are capped at a warning, others contraindicated")
    func trustCap() async throws {
        let tpm = try SoftTPM()
        let content = try tpm.evidence(nonce: nonce)
        #expect(try await result(content, verifier { $0.trustedKeys = [tpm.key.publicKey.spki] }).trustCap == .warning)
        #expect(try await result(content, verifier()).trustCap == .contraindicated)
        #expect(await verifier { $0.unknownKeys = .refused }.refusal(content, binding) == "key_not_trusted")
        let authority = try TestIssuer.root(
            "TPM maker", key: .generate(.ec(.p384)), from: date.addingTimeInterval(-1000))
        let certified = try certified(tpm, by: authority)
        let pinned = verifier {
            $0.anchors = TPMTrustAnchors(roots: [PinnedAnchor(name: "maker", certificate: authority.certificate)])
            $0.unknownKeys = .refused
        }
        let result = try await result(certified, pinned)
        #expect(result.trustCap == .warning)
        #expect(result.claims["ak_trust"] == "certificate")
        #expect(result.chain.last == authority.certificate.der)
        #expect(result.chain.count == 2)
    }

    private func certified(_ tpm: SoftTPM, by authority: TestIssuer, key: PublicKey? = nil) throws -> JSONValue {
        let certificate = try authority.issueDER(
            CertificateDraft(
                subject: "AK", publicKey: key ?? tpm.key.publicKey, from: date.addingTimeInterval(-100),
                extensions: [.keyUsage(.digitalSignature)]))
        // As its TPM stores it.
        let buffer = certificate + [UInt8](repeating: 0, count: 2048 - certificate.count)
        return try tpm.evidence(nonce: nonce, adding: ["ak_certificates": [.string(Base64.encode(buffer))]])
    }

    @Test("A12: a certificate by a look-alike of the root, or of another key, is refused and not merely left out")
    func certificates() async throws {
        let tpm = try SoftTPM()
        let start = date.addingTimeInterval(-1000)
        let authority = try TestIssuer.root("TPM maker", key: .generate(.ec(.p384)), from: start)
        let pinned = verifier {
            $0.anchors = TPMTrustAnchors(roots: [PinnedAnchor(name: "maker", certificate: authority.certificate)])
        }
        let other = try SoftTPM().key.publicKey
        #expect(await pinned.refusal(try certified(tpm, by: authority, key: other), binding) == "key_not_bound")
        let thief = try TestIssuer.root("TPM maker", key: .generate(.ec(.p384)), from: start)
        #expect(await pinned.refusal(try certified(tpm, by: thief), binding) == "chain_not_trusted")
        let impersonator = authority.impersonated(by: try .generate(.ec(.p384)))
        #expect(await pinned.refusal(try certified(tpm, by: impersonator), binding) == "chain_not_trusted")
        #expect(await verifier().refusal(try certified(tpm, by: authority), binding) == "chain_not_trusted")
    }

    @Test("A23: certificates are looked at only when a quote for this session is signed by the key")
    func cheapestFirst() async throws {
        let tpm = try SoftTPM()
        let start = date.addingTimeInterval(-1000)
        let thief = try TestIssuer.root("TPM maker", key: .generate(.ec(.p384)), from: start)
        let content = try certified(tpm, by: thief)
        #expect(await verifier().refusal(content, binding) == "chain_not_trusted")
        let other = JSONValue.string(Base64.encode(try SoftTPM().key.publicKey.spki))
        #expect(await verifier().refusal(content.replacing("ak_public", with: other), binding) == "signature_invalid")
        let another = EvidenceBinding(reportData: [Array(digest.reversed())])
        #expect(await verifier().refusal(content, another) == "report_data_mismatch")
        let document = EvidenceBinding(reportData: [digest], initDataDigest: nonce)
        #expect(await verifier().refusal(content, document) == "init_data_mismatch")
    }

    @Test("a public area that nobody signed is not said to have been checked, whoever vouches for the key")
    func unsignedPublicArea() async throws {
        let tpm = try SoftTPM()
        for members: JSONObject in [[:], ["ak_public_area": .string(Base64.encode(tpm.publicArea()))]] {
            let content = try tpm.evidence(nonce: nonce, adding: members)
            for keys in [[], [tpm.key.publicKey.spki]] as [Set<[UInt8]>] {
                let result = try await result(content, verifier { $0.trustedKeys = keys })
                #expect(result.steps.first { $0.name == "key attributes" }?.outcome == .skipped)
            }
        }
    }

    @Test("a key that signs more than statements of its TPM is refused, as far as its public area tells")
    func publicAreas() async throws {
        let tpm = try SoftTPM()
        func content(_ area: [UInt8]) throws -> JSONValue {
            try tpm.evidence(nonce: nonce, adding: ["ak_public_area": .string(Base64.encode(area))])
        }
        #expect(await verifier().refusal(try content(tpm.publicArea()), binding) == nil)
        // Not restricted; decrypting too; not made by the TPM; not fixed; not signing.
        for attributes: UInt32 in [0x40072, 0x70072, 0x50052, 0x50070, 0x50062, 0x10072] {
            #expect(
                await verifier().refusal(try content(tpm.publicArea(attributes: attributes)), binding)
                    == "key_not_restricted")
        }
        #expect(
            await verifier().refusal(try content(try SoftTPM().publicArea()), binding) == "key_not_restricted")
        #expect(await verifier().refusal(try content([1, 2, 3]), binding) == "malformed_evidence")
    }

    @Test("A16: init-data must be all that PCR 8 was extended with")
    func initData() async throws {
        let document = Array(SHA256.hash(data: Array("document".utf8)))
        let tpm = try SoftTPM()
        let extended = tpm.extending(8, with: document)
        let wanted = EvidenceBinding(reportData: [digest], initDataDigest: document)
        let content = try extended.evidence(nonce: nonce)
        let result = try await result(content, verifier(), wanted)
        #expect(result.claims["init_data"] == .string(Hex.encode(extended.registers[8])))
        #expect(await verifier().refusal(try tpm.evidence(nonce: nonce), wanted) == "init_data_mismatch")
        let twice = extended.extending(8, with: document)
        #expect(await verifier().refusal(try twice.evidence(nonce: nonce), wanted) == "init_data_mismatch")
        for wrong in [Array(document.prefix(31)), document + [0], Array(SHA384.hash(data: document)), []] {
            let binding = EvidenceBinding(reportData: [digest], initDataDigest: wrong)
            #expect(await verifier().refusal(content, binding) == "init_data_mismatch")
        }
    }

    @Test("a selection of fewer, more, other or twice the registers is refused, whatever values come along")
    func selections() async throws {
        let tpm = try SoftTPM()
        for wrong: [(UInt16, [UInt8])] in [
            [], [(0x0B, [0xFF, 0xFF, 0x7F])], [(0x0B, [0xFE, 0xFF, 0xFF])], [(0x0B, [0xFF, 0xFF, 0xFF, 0x01])],
            [(0x0B, [0xFF, 0xFF])], [(0x0B, [0xFF, 0xFF, 0xFF]), (0x0B, [0xFF, 0xFF, 0xFF])],
            [(0x0B, [0xFF, 0xFF, 0xFF]), (0x04, [0, 0, 0])],
        ] {
            let content = try tpm.evidence(nonce: nonce) { $0.selections = wrong }
            #expect(await verifier().refusal(content, binding) == "pcr_selection_mismatch")
        }
        for bank: UInt16 in [0x04, 0x12, 0x27] {
            let content = try tpm.evidence(nonce: nonce) { $0.selections = [(bank, [0xFF, 0xFF, 0xFF])] }
            #expect(await verifier().refusal(content, binding) == "weak_algorithm")
        }
    }

    @Test("values that are not the signed ones are refused: one changed, two swapped, one too few, of another size")
    func values() async throws {
        let tpm = try SoftTPM().extending(0, with: [UInt8](repeating: 3, count: 32))
        let content = try tpm.evidence(nonce: nonce)
        func refusal(_ registers: [[UInt8]]) async -> String? {
            let values = JSONValue.array(registers.map { .string(Hex.encode($0)) })
            return await verifier().refusal(content.replacing("tpm_quote", "pcrs", with: values), binding)
        }
        var changed = tpm.registers
        changed[7][31] ^= 1
        #expect(await refusal(changed) == "pcr_mismatch")
        var swapped = tpm.registers
        swapped.swapAt(0, 1)
        #expect(await refusal(swapped) == "pcr_mismatch")
        #expect(await refusal(Array(tpm.registers.dropLast())) == "malformed_evidence")
        #expect(await refusal(tpm.registers + [tpm.registers[0]]) == "malformed_evidence")
        var moved = tpm.registers
        moved[0] = moved[0] + [moved[1].removeFirst()]
        #expect(await refusal(moved) == "pcr_mismatch")
    }

    @Test("what no TPM made up, or is about something else, is refused although the key signed it")
    func otherStatements() async throws {
        let tpm = try SoftTPM()
        let forged = try tpm.evidence(nonce: nonce) { $0.magic = [0xFF, 0x54, 0x43, 0x48] }
        #expect(await verifier().refusal(forged, binding) == "malformed_evidence")
        for type: [UInt8] in [[0x80, 0x14], [0x80, 0x17], [0x80, 0x19], [0, 0]] {
            let content = try tpm.evidence(nonce: nonce) { $0.type = type }
            #expect(await verifier().refusal(content, binding) == "malformed_evidence")
        }
        let longer = try tpm.evidence(nonce: nonce) { $0.digest += [0] }
        #expect(await verifier().refusal(longer, binding) == "pcr_mismatch")
    }

    @Test("signatures with SHA-1, by another key, swapped, zero or with more bytes are refused")
    func signatures() async throws {
        let tpm = try SoftTPM()
        let content = try tpm.evidence(nonce: nonce)
        func refusal(_ signature: [UInt8]) async -> String? {
            await verifier().refusal(
                content.replacing("tpm_quote", "signature", with: .string(Base64.encode(signature))), binding)
        }
        let good = try Base64.decode(try #require(content["tpm_quote"]?["signature"]?.stringValue))
        let (r, s) = (Array(good[6..<38]), Array(good[40..<72]))
        let counted = SoftTPM.Statement.counted
        #expect(await refusal([0, 0x18, 0, 0x04] + good[4...]) == "weak_algorithm")
        #expect(await refusal([0, 0x18, 0, 0x0C] + good[4...]) == "signature_invalid")
        #expect(await refusal([0, 0x18, 0, 0x0B] + counted(s) + counted(r)) == "signature_invalid")
        #expect(await refusal([0, 0x18, 0, 0x0B] + counted([]) + counted(s)) == "signature_invalid")
        #expect(await refusal([0, 0x18, 0, 0x0B] + counted([0] + r) + counted(s)) == "signature_invalid")
        #expect(await refusal([0, 0x14, 0, 0x0B] + counted(r + s)) == "signature_invalid")
        #expect(await refusal(good + [0]) == "malformed_evidence")
        #expect(await refusal(Array(good.dropLast())) == "malformed_evidence")
        #expect(await refusal([0, 0x1A] + good[2...]) == "malformed_evidence")
        let other = try SoftTPM().key.publicKey.spki
        #expect(
            await verifier().refusal(content.replacing("ak_public", with: .string(Base64.encode(other))), binding)
                == "signature_invalid")
    }

    @Test("evidence of another shape is refused: members missing, texts that are no base64, keys that are none")
    func shapes() async throws {
        let content = try SoftTPM().evidence(nonce: nonce)
        for wrong: JSONValue in [
            .null, [], "text", [:], content.replacing("ak_public", with: nil), content.replacing("tpm_quote", with: []),
            content.replacing("tpm_quote", "message", with: nil), content.replacing("tpm_quote", "message", with: "!"),
            content.replacing("tpm_quote", "signature", with: 1), content.replacing("tpm_quote", "pcrs", with: nil),
            content.replacing("ak_public", with: "AAAA"), content.replacing("ak_certificates", with: "x"),
            content.replacing("ak_certificates", with: [1]), content.replacing("ak_certificates", with: ["AAAA"]),
            content.replacing("ak_certificates", with: .array(Array(repeating: "AAAA", count: 9))),
            content.replacing("eventlog", with: "AAAA"), content.replacing("eventlog", with: 5),
        ] {
            #expect(await verifier().refusal(wrong, binding) == "malformed_evidence", "\(wrong)")
        }
    }
}
