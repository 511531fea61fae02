import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing
import X509TestSupport
import X509Trust

@testable import Verification

@Suite("Azure: TDX")
struct AzureTDXTests {
    let intel: IntelStandIn
    let vm: AzureVM
    let verifier: AzureTDXVerifier
    let context: VerificationContext

    init() throws {
        intel = try IntelStandIn()
        vm = try AzureVM(.tdx)
        var tdx = TDXVerifier.Options()
        tdx.collateral.anchors = intel.anchors
        verifier = AzureTDXVerifier(AzureTDXVerifier.Options(tdx: tdx))
        context = VerificationContext(
            clock: .fixed(IntelStandIn.now), collateral: FixedCollateral(try intel.items(.tdx)))
    }

    private func refusal(_ content: JSONValue, _ binding: EvidenceBinding? = nil) async -> String? {
        await verifier.refusalCode(content, binding ?? vm.binding, context)
    }

    @Test("a VM on the stand-in for Intel is believed, with TDX's claims and the virtual TPM's registers")
    func good() async throws {
        let content = try vm.evidence(on: intel)
        let results = try await verifier.verify(
            Evidence(tee: .azTDXvTPM, content: content), binding: vm.binding, context: context)
        let claims = try #require(results.first?.claims)
        #expect(claims["quote"]?["body"]?["mr_td"] == .string(String(repeating: "3d", count: 48)))
        #expect(claims["td_attributes"]?["debug"] == false)
        #expect(claims["tcb_status"]?.stringValue != nil)
        #expect(claims["tpm"]?["pcr17"] == .string(String(repeating: "ff", count: 32)))
        #expect(claims["report_data"] == .string(Hex.encode(vm.nonce)))
        #expect(claims["init_data"] == .string(String(repeating: "0", count: 64)))
        #expect(claims["evidence_version"] == 2)
        #expect(results.first?.chain.last == intel.root.certificate.der)
    }

    @Test("A17: a quote that does not vouch for the virtual TPM's key is refused")
    func unboundKey() async throws {
        let content = try vm.evidence(on: intel, quote: { $0.replacing(.reportData, Array(1...64)) })
        #expect(await refusal(content) == "key_not_bound")
    }

    @Test("an HCL report with the TDREPORT of another domain than the quote's is refused")
    func otherDomain() async throws {
        for offset in [128, 264, 280, 328, 376, 512, 520, 528, 576, 624, 672, 720, 768, 816, 864, 911] {
            let content = try vm.evidence(on: intel, tdReport: { $0[offset] ^= 1 })
            #expect(await refusal(content) == "hardware_report_mismatch", "offset \(offset)")
        }
    }

    @Test("A10, A14: the quote is judged as any other: debug, another root, no collateral")
    func hardware() async throws {
        let debug = try vm.evidence(on: intel, quote: { $0.allowing(.debug) })
        #expect(await refusal(debug) == "debug_enabled")
        let other = try IntelStandIn()
        #expect(await refusal(try vm.evidence(on: other)) == "chain_not_trusted")
        let bare = VerificationContext(clock: .fixed(IntelStandIn.now))
        #expect(
            await verifier.refusalCode(try vm.evidence(on: intel), vm.binding, bare) == "revocation_unknown")
    }

    @Test("evidence of one processor's kind is none of the other's")
    func kinds() async throws {
        let guest = try SNPGuest(.genoa)
        let snp = try AzureVM(.snp)
        let content = try snp.evidence(on: guest)
        #expect(await refusal(content) == "malformed_evidence")
        // The VM's report is SEV-SNP's, and says that it is; only the quote is TDX's.
        let quote = try vm.evidence(on: intel)["td_quote"]
        #expect(await refusal(content.replacing("td_quote", with: quote)) == "malformed_evidence")
        let certificate = JSONValue.string(Base64.encodeURL(guest.key.certificate))
        let tdx = try vm.evidence(on: intel).replacing("vcek", with: certificate)
        #expect(
            await AzureSNPVerifier().refusalCode(tdx, vm.binding, context) == "malformed_evidence")
    }

    @Test("a nonce or user data of another session is refused")
    func sessions() async throws {
        let content = try vm.evidence(on: intel)
        #expect(await refusal(content, EvidenceBinding(reportData: [[1, 2, 3]])) == "report_data_mismatch")
        var stale = vm
        stale.userData = [UInt8](repeating: 0, count: 64)
        #expect(await refusal(try stale.evidence(on: intel)) == "report_data_mismatch")
    }
}
