import Crypto
import Encodings
import RATS
import TestPrograms
import Testing

@testable import Verification

@Suite("TPM: a real TPM's quotes")
struct SoftwareTPMTests {
    private func evidence(_ quote: SoftwareTPM.Quote) -> JSONValue {
        let registers = stride(from: 0, to: quote.registers.count, by: 32).map {
            JSONValue.string(Hex.encode(quote.registers[$0..<min($0 + 32, quote.registers.count)]))
        }
        return [
            "ak_public": .string(Base64.encode(quote.key)),
            "ak_public_area": .string(Base64.encode(quote.publicArea)),
            "tpm_quote": [
                "message": .string(Base64.encode(quote.message)),
                "signature": .string(Base64.encode(quote.signature)), "pcrs": .array(registers),
            ],
        ]
    }

    private func freshDigest() -> [UInt8] { Array(SHA384.hash(data: (0..<32).map { _ in UInt8.random(in: 0...255) })) }

    private func verifier(trusting quote: SoftwareTPM.Quote) -> TPMVerifier {
        var options = TPMVerifier.Options()
        options.trustedKeys = [quote.key]
        options.unknownKeys = .refused
        return TPMVerifier(options)
    }

    @Test(
        "a live quote with its init-data verifies for its session and for no other", arguments: SoftwareTPM.Key.allCases
    )
    func liveQuote(key: SoftwareTPM.Key) async throws {
        let tpm = try await SoftwareTPM()
        let document = Array(SHA256.hash(data: Array("init-data".utf8)))
        try tpm.extend(8, hexadecimal: Hex.encode(document))
        let digest = freshDigest()
        let quote = try tpm.quote(key, nonce: Hex.encode(digest.prefix(32)))
        let verifier = verifier(trusting: quote)
        let binding = EvidenceBinding(reportData: [freshDigest(), digest], initDataDigest: document)
        let results = try await verifier.verify(
            Evidence(tee: .tpm, content: evidence(quote)), binding: binding, context: VerificationContext())
        #expect(results[0].matchedReportData == 1)
        #expect(results[0].trustCap == .warning)
        #expect(results[0].claims["report_data"] == .string(Hex.encode(digest.prefix(32))))
        #expect(results[0].claims["pcr17"] == .string(String(repeating: "f", count: 64)))
        #expect(results[0].steps.first { $0.name == "key attributes" }?.outcome == .skipped)
        let other = EvidenceBinding(reportData: [freshDigest()], initDataDigest: document)
        #expect(await verifier.refusal(evidence(quote), other) == "report_data_mismatch")
        let otherDocument = EvidenceBinding(reportData: [digest], initDataDigest: Array(freshDigest().prefix(32)))
        #expect(await verifier.refusal(evidence(quote), otherDocument) == "init_data_mismatch")
    }

    @Test("the key of another TPM is not trusted, and a quote is no word of another key")
    func otherTPM() async throws {
        let (first, second) = (try await SoftwareTPM(), try await SoftwareTPM())
        let digest = freshDigest()
        let nonce = Hex.encode(digest.prefix(32))
        let (mine, foreign) = (try first.quote(.ecc, nonce: nonce), try second.quote(.ecc, nonce: nonce))
        let verifier = verifier(trusting: mine)
        let binding = EvidenceBinding(reportData: [digest])
        #expect(await verifier.refusal(evidence(mine), binding) == nil)
        #expect(await verifier.refusal(evidence(foreign), binding) == "key_not_trusted")
        let relabelled = evidence(foreign).replacing("ak_public", with: .string(Base64.encode(mine.key)))
            .replacing("ak_public_area", with: .string(Base64.encode(mine.publicArea)))
        #expect(await verifier.refusal(relabelled, binding) == "signature_invalid")
    }

    @Test(
        "a register that is extended between two quotes is another in the second, and the first's values do not fit it")
    func extendedRegister() async throws {
        let tpm = try await SoftwareTPM()
        let digest = freshDigest()
        let nonce = Hex.encode(digest.prefix(32))
        let before = try tpm.quote(.ecc, nonce: nonce)
        try tpm.extend(11, hexadecimal: String(repeating: "ab", count: 32))
        let after = try tpm.quote(.ecc, nonce: nonce)
        let verifier = verifier(trusting: after)
        let binding = EvidenceBinding(reportData: [digest])
        #expect(before.key == after.key)
        #expect(await verifier.refusal(evidence(after), binding) == nil)
        let stale = evidence(after).replacing("tpm_quote", "pcrs", with: evidence(before)["tpm_quote"]?["pcrs"])
        #expect(await verifier.refusal(stale, binding) == "pcr_mismatch")
    }

    @Test("a real key that is not restricted, and real quotes over fewer registers or over SHA-1, are refused")
    func weakQuotes() async throws {
        let tpm = try await SoftwareTPM()
        let digest = freshDigest()
        let nonce = Hex.encode(digest.prefix(32))
        let binding = EvidenceBinding(reportData: [digest])
        let free = try tpm.quote(
            .ecc, nonce: nonce, attributes: "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign")
        #expect(await verifier(trusting: free).refusal(evidence(free), binding) == "key_not_restricted")
        let good = try tpm.quote(.ecc, nonce: nonce)
        let values = evidence(good)["tpm_quote"]?["pcrs"]
        for (selection, code) in [("sha256:0,1,2", "pcr_selection_mismatch"), ("sha1:all", "weak_algorithm")] {
            let quote = try tpm.quote(.ecc, nonce: nonce, selection: selection)
            let content = evidence(quote).replacing("tpm_quote", "pcrs", with: values)
            #expect(await verifier(trusting: quote).refusal(content, binding) == code)
        }
    }
}
