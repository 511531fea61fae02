import Encodings
import Foundation
import RATS
import Testing
import X509Trust

@testable import Verification

@Suite("Azure: recorded evidence")
struct AzureVectorTests {
    static let date = (try? Date("2025-06-01T00:00:00Z", strategy: .iso8601)) ?? .distantPast

    private func manifest(_ tee: String, _ id: String) throws -> JSONValue {
        let entries = try #require(Vectors.json("\(tee)/manifest.json").arrayValue)
        return try #require(entries.first { $0["id"]?.stringValue == id }?["claims"])
    }

    private func binding(_ claims: JSONValue) throws -> EvidenceBinding {
        EvidenceBinding(reportData: [[7], try Hex.decode(try #require(claims["nonce"]?.stringValue))])
    }

    private func context(_ collateral: any CollateralSource) -> VerificationContext {
        VerificationContext(clock: .fixed(Self.date), collateral: collateral)
    }

    @Test("KBS 12.10.64: evidence of versions 0, 1 and 2 is believed and gives its claims", arguments: 0...2)
    func snp(version: Int) async throws {
        let content = try Vectors.json("az-snp-vtpm/trustee-v\(version)/evidence.json")
        let expected = try manifest("az-snp-vtpm", "trustee-v\(version)")
        let verifier = AzureSNPVerifier()
        let evidence = Evidence(tee: .azSNPvTPM, content: content)
        let results = try await verifier.verify(
            evidence, binding: try binding(expected), context: context(try SNPVector.recordedLists()))
        let result = try #require(results.first)
        let claims = result.claims
        #expect(results.count == 1)
        #expect(result.matchedReportData == 1)
        #expect(result.trustCap == nil)
        #expect(result.chain.count == 3)
        #expect((result.platform != nil) == (version == 2))
        #expect(claims["evidence_version"] == expected["evidence_version"])
        #expect(claims["report_data"] == expected["nonce"])
        #expect(claims["init_data"] == expected["pcr08"])
        for name in ["pcr00", "pcr08", "pcr11"] { #expect(claims["tpm"]?[name] == expected[name]) }
        #expect(claims["tpm"]?.objectValue?.count == 24)
        #expect(claims["vm_configuration"] == expected["vm_configuration"])
        #expect(try Hex.encode(verifier.statedReportData(in: evidence)) == expected["nonce"]?.stringValue)
        // The historic form: texts, and the measurement in base64; beside them the types of SEV-SNP.
        let measurement = try Hex.decode(try #require(expected["measurement"]?.stringValue))
        #expect(claims["measurement"] == .string(Base64.encode(measurement)))
        #expect(claims["snp"]?["measurement"] == expected["measurement"])
        #expect(claims["policy_debug_allowed"] == "false")
        #expect(claims["snp"]?["policy_debug_allowed"] == false)
        #expect(claims["snp"]?["version"] == expected["snp_report_version"])
        for name in ["bootloader", "tee", "snp", "microcode"] {
            let typed = try #require(claims["snp"]?["reported_tcb_\(name)"]?.intValue)
            #expect(claims["reported_tcb_\(name)"] == .string(String(typed)))
        }
        for name in ["policy_abi_major", "policy_abi_minor", "policy_smt_allowed", "platform_smt_enabled"] {
            #expect(claims[name]?.stringValue != nil)
        }
    }

    @Test("the nonce is compared as it is, without any padding", arguments: 0...2)
    func nonces(version: Int) async throws {
        let content = try Vectors.json("az-snp-vtpm/trustee-v\(version)/evidence.json")
        let nonce = try Hex.decode(
            try #require(manifest("az-snp-vtpm", "trustee-v\(version)")["nonce"]?.stringValue))
        let context = context(try SNPVector.recordedLists())
        for wrong in [nonce + [0], Array(nonce.dropLast()), nonce.reversed(), []] {
            let binding = EvidenceBinding(reportData: [wrong])
            #expect(
                await AzureSNPVerifier().refusalCode(content, binding, context) == "report_data_mismatch")
        }
    }

    @Test("a site may ask for evidence whose processor's report is fresh")
    func minimumVersion() async throws {
        var options = AzureSNPVerifier.Options()
        options.minimumVersion = 2
        let context = context(try SNPVector.recordedLists())
        for version in 0...2 {
            let content = try Vectors.json("az-snp-vtpm/trustee-v\(version)/evidence.json")
            let binding = try binding(manifest("az-snp-vtpm", "trustee-v\(version)"))
            let code = await AzureSNPVerifier(options).refusalCode(content, binding, context)
            #expect(code == (version == 2 ? nil : "unsupported_version"))
        }
    }

    @Test("older evidence that calls itself version 2 is refused: its processor's report is not of the session")
    func upgraded() async throws {
        let content = try Vectors.json("az-snp-vtpm/trustee-v1/evidence.json").replacing("version", with: 2)
        let binding = try binding(manifest("az-snp-vtpm", "trustee-v1"))
        let context = context(try SNPVector.recordedLists())
        #expect(await AzureSNPVerifier().refusalCode(content, binding, context) == "report_data_mismatch")
        for version: JSONValue in [0, 3, "1", -1, .null] {
            let other = content.replacing("version", with: version)
            #expect(await AzureSNPVerifier().refusalCode(other, binding, context) == "unsupported_version")
        }
    }

    @Test(
        "KBS 12.10.64: evidence of TDX is authentic up to Intel's root, and needs Intel's collateral to go on",
        arguments: 0...1)
    func tdx(version: Int) async throws {
        let content = try Vectors.json("az-tdx-vtpm/trustee-v\(version)/evidence.json")
        let expected = try manifest("az-tdx-vtpm", "trustee-v\(version)")
        let verifier = AzureTDXVerifier()
        let evidence = Evidence(tee: .azTDXvTPM, content: content)
        #expect(try Hex.encode(verifier.statedReportData(in: evidence)) == expected["nonce"]?.stringValue)
        let binding = try binding(expected)
        #expect(
            await verifier.refusalCode(content, binding, context(FixedCollateral())) == "revocation_unknown")
        let presented = try AzureEvidence(content, form: .tdx)
        let report = try HCLReport(parsing: presented.report)
        let (_, domain) = try TrustDomainQuoteVerifier(options: TDXVerifier.Options()).authenticate(
            presented.hardware, at: Self.date)
        try TDReport(bytes: report.hardwareReport).require(equals: domain)
        let quote = try AzureQuoteVerification(minimumVersion: 0).verify(
            presented, report: report, reportData: domain[.reportData], binding: binding)
        var claims = JSONObject()
        quote.add(to: &claims)
        #expect(claims["vm_configuration"] == expected["vm_configuration"])
        #expect(claims["tpm"]?["pcr00"] == expected["pcr00"])
        #expect(quote.matchedReportData == 1)
        #expect(quote.runtimeData.userData.map { Hex.encode($0) } == expected["user_data"]?.stringValue)
        let other = EvidenceBinding(reportData: [[1]])
        #expect(
            await verifier.refusalCode(content, other, context(FixedCollateral())) == "report_data_mismatch")
    }

    @Test("reports of other paravisors can be read: the first ones, which called the key one for encryption, and TDX's")
    func rawReports() throws {
        let first = try HCLReport(parsing: Vectors.bytes("az-snp-vtpm/kinvolk-raw/hcl-report-snp.bin"))
        #expect(first.kind == .snp)
        #expect(first.isVouched(by: try SNPReport(parsing: first.hardwareReport).reportData))
        #expect(
            refusalCode { () throws(VerificationError) in _ = try HCLRuntimeData(parsing: first.runtimeData) }
                == "key_not_allowed")
        let tdx = try HCLReport(parsing: Vectors.bytes("az-tdx-vtpm/kinvolk-raw/hcl-report-tdx.bin"))
        #expect(tdx.kind == .tdx)
        #expect(tdx.isVouched(by: TDReport(bytes: tdx.hardwareReport)[.reportData]))
        #expect(try HCLRuntimeData(parsing: tdx.runtimeData).configuration?["secure-boot"] == false)
    }
}
