import Encodings
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("Mutation: Azure")
struct AzureMutationTests {
    @Test("no change of a single bit in recorded evidence of SEV-SNP is accepted, of evenly chosen ones")
    func snp() async throws {
        let content = try Vectors.json("az-snp-vtpm/trustee-v2/evidence.json")
        let verifier = AzureSNPVerifier()
        let nonce = try verifier.statedReportData(in: Evidence(tee: .azSNPvTPM, content: content))
        let binding = EvidenceBinding(reportData: [nonce])
        let context = VerificationContext(
            clock: .fixed(AzureVectorTests.date), collateral: try SNPVector.recordedLists())
        #expect(await verifier.refusalCode(content, binding, context) == nil)
        var counter = MutationCounter("az-snp-vtpm")
        for name in ["message", "signature"] {
            let bytes = try Hex.decode(try #require(content["tpm_quote"]?[name]?.stringValue))
            for mutant in Mutants.of(bytes, every: name == "signature" ? 2 : 1) {
                await Task.yield()
                let changed = content.replacing("tpm_quote", name, with: .string(Hex.encode(mutant)))
                counter.count(await verifier.refusalCode(changed, binding, context))
            }
        }
        let report = try AzureEvidence(content, form: .snp)
        for (name, bytes, step) in [("hcl_report", report.report, 11), ("vcek", report.hardware, 13)] {
            for mutant in Mutants.bits(bytes, every: step) {
                await Task.yield()
                let changed = content.replacing(name, with: .string(Base64.encodeURL(mutant)))
                counter.count(await verifier.refusalCode(changed, binding, context))
            }
        }
        for mutant in Mutants.of(nonce) {
            await Task.yield()
            let other = EvidenceBinding(reportData: [mutant])
            counter.count(await verifier.refusalCode(content, other, context))
        }
        let registers = try TPMRegisters.decoded(content["tpm_quote"]?["pcrs"])
        for index in registers.indices {
            for mutant in Mutants.of(registers[index], every: 29) {
                await Task.yield()
                var changed = registers
                changed[index] = mutant
                let values = JSONValue.array(changed.map { .string(Hex.encode($0)) })
                counter.count(
                    await verifier.refusalCode(content.replacing("tpm_quote", "pcrs", with: values), binding, context))
            }
        }
        counter.report()
        #expect(counter.accepted == 0)
        #expect(counter.total > 5000)
    }

    @Test("no change of a single bit in evidence of TDX is accepted, except in what nobody signed or compares")
    func tdx() async throws {
        let setting = try AzureTDXTests()
        let (verifier, binding, context) = (setting.verifier, setting.vm.binding, setting.context)
        let content = try setting.vm.evidence(on: setting.intel)
        #expect(await verifier.refusalCode(content, binding, context) == nil)
        var counter = MutationCounter("az-tdx-vtpm")
        for name in ["message", "signature"] {
            let bytes = try Hex.decode(try #require(content["tpm_quote"]?[name]?.stringValue))
            for mutant in Mutants.of(bytes, every: name == "signature" ? 2 : 1) {
                await Task.yield()
                let changed = content.replacing("tpm_quote", name, with: .string(Hex.encode(mutant)))
                counter.count(await verifier.refusalCode(changed, binding, context))
            }
        }
        let evidence = try AzureEvidence(content, form: .tdx)
        // The quote's certificates are PEM, whose line breaks mean nothing; DCAP's own suite changes them.
        let quote = Array(evidence.hardware.prefix(48 + 584 + 4 + 128 + 6 + 384 + 64))
        for mutant in Mutants.bits(quote, every: 5) {
            await Task.yield()
            let hardware = mutant + evidence.hardware.dropFirst(quote.count)
            let changed = content.replacing("td_quote", with: .string(Base64.encodeURL(hardware)))
            counter.count(await verifier.refusalCode(changed, binding, context))
        }
        let compared = TDReport.Field.allCases.flatMap { $0.range.map { $0 + 32 } }
        let header = Array(0..<32)
        let runtimeData = Array(1216..<evidence.report.count)
        for offset in header + compared + runtimeData {
            await Task.yield()
            var report = evidence.report
            report[offset] ^= 1 << UInt8(offset % 8)
            let changed = content.replacing("hcl_report", with: .string(Base64.encodeURL(report)))
            counter.count(await verifier.refusalCode(changed, binding, context))
        }
        counter.report()
        #expect(counter.accepted == 0)
        #expect(counter.total > 5000)
    }
}
