import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("Evidence whose bytes are written in another way")
struct TextFormTests {
    /// Other texts that a careless reader would take for the same bytes.
    private static func forms(_ text: String) -> [String] {
        let middle = text.index(text.startIndex, offsetBy: text.count / 2)
        let (head, tail) = (String(text[..<middle]), String(text[middle...]))
        return [
            " " + text, text + "\n", head + "\r\n" + tail, head + " " + tail, "\u{FEFF}" + text, text + "\u{0}",
            head + "=" + tail, text + "====", head + "*" + tail, head + "\u{0661}" + tail, "0x" + text, "",
        ]
    }

    /// The same letters of the other base64 alphabet; `nil` where there is none of those that differ.
    private static func otherAlphabet(_ text: String) -> String? {
        let pairs: [Character: Character] = ["+": "-", "/": "_", "-": "+", "_": "/"]
        let other = String(text.map { pairs[$0] ?? $0 })
        return other == text ? nil : other
    }

    /// The text with a bit set in the part of its last letter that stands for no byte; `nil` where there is no such part.
    private static func spareBit(_ text: String) -> String? {
        let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
        let bare = text.prefix { $0 != "=" }
        guard bare.count % 4 > 1, let last = bare.last, let number = letters.firstIndex(of: last) else { return nil }
        return bare.dropLast() + String(letters[number | 1]) + text.dropFirst(bare.count)
    }

    private func requireRefusal(
        _ content: JSONValue, _ members: [[String]], by verifier: any EvidenceVerifier, _ binding: EvidenceBinding,
        _ context: VerificationContext
    ) async throws {
        #expect(await verifier.refusalCode(content, binding, context) == nil)
        for path in members {
            let text = try #require(path.reduce(content) { $0?[$1] }?.stringValue)
            let others = Self.forms(text) + [Self.otherAlphabet(text), Self.spareBit(text)].compactMap(\.self)
            for other in others where other != text {
                let changed = content.replacing(path[...], with: .string(other))
                let code = await verifier.refusalCode(changed, binding, context)
                // No bytes are a signature that is not valid.
                let isRefused = code == "malformed_evidence" || other.isEmpty && code == "signature_invalid"
                #expect(isRefused, "\(verifier.tee.rawValue) \(path): \(other.suffix(12))")
            }
        }
    }

    @Test("quotes, reports, logs and keys are read from one text only: no spaces, other alphabets or spare bits")
    func texts() async throws {
        let site = try SimulatedIntelSite()
        let binding = EvidenceBinding(reportData: [Simulation.digest])
        let context = VerificationContext(
            clock: .fixed(Simulation.now), collateral: FixedCollateral(try site.collateral.items()))
        let domain = try SimulatedTrustDomain(on: site.platform).evidence(bound: Simulation.digest)
        try await requireRefusal(
            domain.content, [["quote"], ["cc_eventlog"]], by: TDXVerifier(options: .init(collateral: site.options())),
            binding, context)
        let enclave = try SimulatedEnclave(on: site.platform).evidence(bound: Simulation.digest)
        try await requireRefusal(
            enclave.content, [["quote"]], by: SGXVerifier(options: .init(collateral: site.options())), binding, context)
    }

    @Test("the texts of TPM evidence are read from one form only")
    func tpmTexts() async throws {
        let nonce = [UInt8](repeating: 9, count: 32)
        let tpm = try SoftTPM()
        let content = try tpm.evidence(
            nonce: nonce, adding: ["ak_public_area": .string(Base64.encode(tpm.publicArea()))])
        try await requireRefusal(
            content, [["ak_public"], ["ak_public_area"], ["tpm_quote", "message"], ["tpm_quote", "signature"]],
            by: TPMVerifier(), EvidenceBinding(reportData: [nonce]), VerificationContext())
    }

    @Test("the texts of evidence from Azure are read from one form only")
    func azureTexts() async throws {
        let guest = try SNPGuest(.genoa)
        let vm = try AzureVM(.snp)
        try await requireRefusal(
            try vm.evidence(on: guest),
            [["hcl_report"], ["vcek"], ["tpm_quote", "message"], ["tpm_quote", "signature"]],
            by: AzureSNPVerifier(AzureSNPVerifier.Options(snp: guest.options())), vm.binding,
            VerificationContext(clock: .fixed(guest.amd.now), collateral: try guest.collateral()))
    }
}
