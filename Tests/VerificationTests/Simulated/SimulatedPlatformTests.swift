import Encodings
import EvidenceSimulator
import Foundation
import RATS
import Testing

@testable import Verification

@Suite("Firmware of machines")
struct SimulatedPlatformTests {
    private func platform(_ guest: SimulatedSNPGuest, _ amd: SimulatedAMD) async throws -> PlatformLevels? {
        var options = SNPVerifier.Options(anchors: amd.anchors)
        options.allowsMaskedChipID = true
        return try await Simulation.claims(
            of: guest.evidence(bound: Simulation.digest), by: SNPVerifier(options), amd.collateral()
        ).platform
    }

    private func platform(
        _ evidence: Evidence, _ verifier: any EvidenceVerifier, _ site: SimulatedIntelSite
    ) async throws -> PlatformLevels? {
        try await Simulation.claims(of: evidence, by: verifier, site.collateral.items()).platform
    }

    @Test(
        "A15: an SEV-SNP report names the chip and its reported and committed firmware",
        arguments: [SNPProduct.milan, .genoa, .turin])
    func snp(_ product: SNPProduct) async throws {
        let amd = try Simulation.amd(product)
        let guest = try SimulatedSNPGuest(amd)
        let found = try #require(try await platform(guest, amd))
        #expect(found.maker == .amd && found.identifier == guest.report.chipID)
        #expect(found.about == ["product": .string(product.rawValue)])
        var expected: [String: Int64] = [:]
        for word in ["reported", "committed"] {
            expected["\(word)_tcb_bootloader"] = 4
            expected["\(word)_tcb_tee"] = 2
            expected["\(word)_tcb_snp"] = 22
            expected["\(word)_tcb_microcode"] = 213
            if product.hasFMC { expected["\(word)_tcb_fmc"] = 1 }
        }
        #expect(found.levels == expected)
        // A guest that has been running since before an update is no rollback.
        var newer = guest.report.committedTCB.levels(of: product) ?? guest.key.draft.levels
        newer.snp = 23
        let updated = guest.twin {
            $0.committedTCB = SNPTCB(newer, product: product)
            $0.currentTCB = $0.committedTCB
        }
        #expect(try await platform(updated, amd)?.levels["committed_tcb_snp"] == 23)
        #expect(try await platform(updated, amd)?.levels["reported_tcb_snp"] == 22)
    }

    @Test(
        "A15: a chip that masks its identifier is named by its key's certificate, as when it does not",
        arguments: [SNPProduct.milan, .genoa, .turin])
    func masked(_ product: SNPProduct) async throws {
        let amd = try Simulation.amd(product)
        let guest = try SimulatedSNPGuest(amd)
        let masked = guest.twin { $0.chipID = Array(repeating: 0, count: 64) }
        let found = try #require(try await platform(masked, amd))
        #expect(found.identifier == guest.report.chipID)
        #expect(try await platform(guest, amd) == found)
    }

    @Test("A15: a masked chip behind a provider's key names no machine, and the steps say so")
    func maskedProvider() async throws {
        let amd = try Simulation.amd(.milan)
        let claims = try await Simulation.claims(
            of: SimulatedSNPGuest(amd, kind: .vlek).evidence(bound: Simulation.digest),
            by: SNPVerifier(.init(anchors: amd.anchors)), amd.collateral())
        #expect(claims.platform == nil)
        #expect(claims.steps.contains { $0.name == "machine" && $0.outcome == .skipped })
    }

    @Test("A15: what a provider's key says of a chip is not what the chip's own key says of it")
    func provider() async throws {
        let amd = try Simulation.amd(.milan)
        let chip = try SimulatedSNPGuest(amd)
        let guest = try SimulatedSNPGuest(amd, kind: .vlek).twin { $0.chipID = chip.report.chipID }
        let claims = try await Simulation.claims(
            of: guest.evidence(bound: Simulation.digest), by: SNPVerifier(.init(anchors: amd.anchors)),
            amd.collateral())
        let cspID = try #require(claims.claims["csp_id"]?.stringValue)
        #expect(claims.platform?.identifier == Array("vlek \(cspID)".utf8) + chip.report.chipID)
        #expect(try await platform(chip, amd)?.identifier == chip.report.chipID)
    }

    @Test(
        "A15: quotes name the machine by its PPID, with the levels of its certificate and the module of a trust domain")
    func intel() async throws {
        let site = try SimulatedIntelSite()
        let sgx = SGXVerifier(options: .init(collateral: site.options()))
        let tdx = TDXVerifier(options: .init(collateral: site.options()))
        let enclave = try #require(
            try await platform(SimulatedEnclave(on: site.platform).evidence(bound: Simulation.digest), sgx, site))
        let draft = site.platform.draft
        #expect(enclave.maker == .intel && enclave.identifier == draft.platformProviderID)
        #expect(enclave.levels.count == 17 && enclave.levels["pce_svn"] == Int64(draft.pceSVN))
        for (index, version) in draft.componentSVNs.enumerated() {
            #expect(enclave.levels["sgx_tcb_svn_\(index + 1)"] == Int64(version))
        }
        #expect(enclave.about["fmspc"] == .string(Hex.encode(draft.fmspc)))
        #expect(enclave.about["tcb_status"] == "UpToDate" && enclave.about.contains("tcb_date"))
        // The form of the quote is the host's choice, and changes no name.
        for (form, field) in [
            (SimulatedTrustDomain.Form.version4, TrustDomainReport.Field.tcbSVN), (.version5TDX15, .currentTCBSVN),
        ] {
            let domain = try SimulatedTrustDomain(on: site.platform, form: form)
            let found = try #require(try await platform(domain.evidence(bound: Simulation.digest), tdx, site))
            #expect(found.identifier == enclave.identifier && found.levels.count == 17 + 15)
            // The simulated module is version 1.5.
            #expect(found.levels["tee_tcb_svn_module"] == 0x105)
            #expect(found.levels["tee_tcb_svn_2"] == 6)
            let older = domain.twin(field, [5, 1, 5] + Array(repeating: 0, count: 13))
            let lower = try #require(try await platform(older.evidence(bound: Simulation.digest), tdx, site))
            #expect(lower.levels == found.levels.merging(["tee_tcb_svn_2": 5]) { $1 })
        }
    }

    @Test("A15: evidence of Azure whose processor's report may be as old as the boot names no machine")
    func azure() async throws {
        let amd = try Simulation.amd(.milan)
        let site = try SimulatedIntelSite()
        let cases: [(SimulatedAzureVM.Processor, any EvidenceVerifier)] = [
            (.snp(try SimulatedSNPGuest(amd)), AzureSNPVerifier(.init(snp: .init(anchors: amd.anchors)))),
            (
                .tdx(try SimulatedTrustDomain(on: site.platform)),
                AzureTDXVerifier(.init(tdx: .init(collateral: site.options())))
            ),
        ]
        let items = try amd.collateral().merging(site.collateral.items()) { $1 }
        for (processor, verifier) in cases {
            let fresh = try SimulatedAzureVM(on: processor).evidence(bound: Simulation.digest)
            let old = Evidence(tee: fresh.tee, content: fresh.content.replacing("version", with: 1))
            #expect(try await Simulation.claims(of: fresh, by: verifier, items).platform != nil)
            let claims = try await Simulation.claims(of: old, by: verifier, items)
            #expect(claims.platform == nil)
            let step = try #require(claims.steps.first { $0.name == "machine" })
            #expect(step.outcome == .skipped)
        }
    }

    @Test("A15: a machine without a PPID is named by its instance, and without either by nothing")
    func withoutPPID() async throws {
        for (instance, isNamed) in [([UInt8](repeating: 7, count: 16), true), (Array(repeating: 0, count: 16), false)] {
            let site = try SimulatedIntelSite {
                $0.authority = .platform
                $0.platformProviderID = Array(repeating: 0, count: 16)
                $0.platformInstanceID = instance
            }
            let found = try await platform(
                SimulatedEnclave(on: site.platform).evidence(bound: Simulation.digest),
                SGXVerifier(options: .init(collateral: site.options())), site)
            #expect(found?.identifier == (isNamed ? instance : nil))
        }
    }
}
