import CEL
import Encodings
import Foundation
import RATS
import Testing

@testable import Policy

@Suite("the claims catalogue")
struct ClaimsCatalogueTests {
    /// The claims of a TEE, or the variables of a kind of policy.
    private func rows(_ part: String) -> [ClaimRow] {
        switch part {
        case "release policies": ExpressionVariables.release.rows
        case "appraisal policies": ExpressionVariables.appraisal.rows
        default: TEE(rawValue: part).map { ClaimFamily.of($0).claims.rows } ?? []
        }
    }

    @Test("every TEE has its claims")
    func families() {
        #expect(Set(ClaimFamily.all.map(\.tee)) == Set(TEE.allCases))
        for tee in TEE.allCases { #expect(ClaimFamily.of(tee).tee == tee) }
        #expect(ClaimFamily.all.allSatisfy { !$0.claims.isEmpty && !$0.title.isEmpty && $0.about.hasSuffix(".") })
    }

    @Test(
        "every claim says what it means and where it comes from, and its example is of its type",
        arguments: TEE.allCases.map(\.rawValue) + ["release policies", "appraisal policies"])
    func complete(_ part: String) {
        let rows = rows(part)
        #expect(!rows.isEmpty)
        for row in rows {
            let claim = row.claim
            #expect(claim.meaning.count >= 9 && claim.meaning.hasSuffix("."), "\(row.path): \(claim.meaning)")
            #expect(claim.meaning.first?.isUppercase == true || claim.meaning.first?.isNumber == true, "\(row.path)")
            #expect(!claim.source.isEmpty && !claim.source.hasSuffix("."), "\(row.path): \(claim.source)")
            #expect(claim.type.problems(with: claim.example, at: row.path) == [])
        }
        #expect(Set(rows.map(\.path)).count == rows.count, "a path stands twice")
    }

    /// Names that policies written for other brokers use (kbs-protocol, Appendix C).
    static let appendix: [(TEE, String)] = [
        (.sample, "svn launch_digest platform_version.major platform_version.minor debug"), (.sampledevice, "svn"),
        (
            .tdx,
            """
            quote.header.version quote.header.att_key_type quote.header.tee_type quote.header.reserved quote.header.vendor_id \
            quote.header.user_data quote.body.tcb_svn quote.body.mr_seam quote.body.mrsigner_seam quote.body.mr_td \
            quote.body.mr_config_id quote.body.mr_owner quote.body.mr_owner_config quote.body.rtmr_0 quote.body.rtmr_1 \
            quote.body.rtmr_2 quote.body.rtmr_3 quote.body.seam_attributes quote.body.td_attributes quote.body.xfam \
            quote.body.report_data quote.body.tee_tcb_svn2 quote.body.mr_servicetd quote.type quote.size td_attributes.debug \
            td_attributes.septve_disable td_attributes.protection_keys td_attributes.key_locker td_attributes.perfmon \
            uefi_event_logs[].index uefi_event_logs[].type_name uefi_event_logs[].digests[].alg \
            uefi_event_logs[].digests[].digest uefi_event_logs[].event uefi_event_logs[].digest_matches_event \
            uefi_event_logs[].details.string uefi_event_logs[].details.unicode_name \
            uefi_event_logs[].details.unicode_name_length uefi_event_logs[].details.variable_name \
            uefi_event_logs[].details.variable_data uefi_event_logs[].details.variable_data_length \
            uefi_event_logs[].details.device_paths uefi_event_logs[].details.data.domain \
            uefi_event_logs[].details.data.operation uefi_event_logs[].details.data.content
            """ + dcap
        ),
        (
            .sgx,
            """
            header.version header.att_key_type header.att_key_data_0 header.qe_svn header.pce_svn header.vendor_id \
            header.user_data body.cpu_svn body.misc_select body.reserved1 body.reserved2 body.reserved3 body.reserved4 \
            body.isv_ext_prod_id body['attributes.flags'] body['attributes.xfrm'] body.mr_enclave body.mr_signer \
            body.config_id body.isv_prod_id body.isv_svn body.config_svn body.isv_family_id body.report_data
            """ + dcap
        ),
        (.snp, snp), (.azSNPvTPM, snp + " tpm.pcr00 tpm.pcr11 tpm.pcr23"),
        (.azTDXvTPM, "quote.body.mr_td td_attributes.debug tpm.pcr00 tpm.pcr11 tpm.pcr23" + dcap),
        (.tpm, "pcr00 pcr08 pcr23 ak_public"), (.se, "version cuid tag image_phkh attestation_phkh"),
        (
            .cca,
            """
            realm['cca-realm-personalization-value'] realm['cca-realm-initial-measurement'] \
            realm['cca-realm-extensible-measurements'] realm['cca-realm-hash-algo-id'] realm['cca-realm-challenge'] \
            platform['cca-platform-instance-id'] platform['cca-platform-implementation-id']
            """
        ),
        (
            .csv,
            """
            version policy.nodbg policy.noks policy.es policy.nosend policy.domain policy.csv policy.csv3 policy.asid_reuse \
            policy.hsk_version policy.cek_version policy.api_major policy.api_minor user_pubkey_digest vm_id vm_version \
            mnonce measure anonce sig_usage sig_algo serial_number build rtmr_version reserved0 rtmr0 rtmr1 rtmr2 rtmr3 \
            rtmr4 reserved1
            """
        ),
        (
            .sev,
            """
            policy.nodbg policy.noks policy.es policy.nosend policy.domain policy.sev api_major api_minor build \
            launch_digest chip_id generation es
            """
        ),
        (.hygondcu, "body.version body.chip_id body.user_data body.measure body.reserved body.sig_usage body.sig_algo"),
        (
            .nvidia,
            """
            arch uuid measurements config.board_id config.chip_sku config.chip_sku_mod config.cpr_info \
            config.driver_version config.fwid config.gpu_info config.measurement_count config.nvdec0_status config.project \
            config.project_sku config.project_sku_mod config.protected_pcie_status config.vbios_version \
            ['x-nvidia-overall-att-result'] switch_count gpu_count
            """
        ),
        (
            .nvidiaDPU,
            "device_serial device_class firmware_layers_count accumulated_fwid alias_timestamp session_nonce"
        ),
    ]

    private static let snp = """
        measurement chip_id platform_smt_enabled platform_tsme_enabled policy_abi_major policy_abi_minor \
        policy_debug_allowed policy_migrate_ma policy_single_socket policy_smt_allowed reported_tcb_bootloader \
        reported_tcb_microcode reported_tcb_snp reported_tcb_tee
        """
    private static let dcap = """
         tcb_status tcb_date advisory_ids collateral_expiration_status earliest_issue_date latest_issue_date \
        earliest_expiration_date tcb_eval_num root_ca_crl_num pck_crl_num root_key_id platform_provider_id \
        platform_instance_id sgx_type is_dynamic_platform is_cached_keys is_smt_enabled tcb_status_current \
        tcb_date_current advisory_ids_current
        """

    @Test("the names of Appendix C are all there, and what is not in it is marked as additional", arguments: appendix)
    func appendixC(_ row: (tee: TEE, names: String)) {
        let rows = ClaimFamily.of(row.tee).claims.rows
        for name in row.names.split(separator: " ") {
            let found = rows.first { $0.path == name }
            #expect(found != nil, "\(row.tee.rawValue) \(name)")
            #expect(found?.claim.presence != .additional, "\(row.tee.rawValue) \(name)")
        }
        // Where the list above is whole, everything else is an addition.
        guard [.snp, .csv, .se, .sample, .hygondcu, .nvidiaDPU].contains(row.tee) else { return }
        let names = row.names.split(separator: " ").map(String.init)
        for other in rows where other.claim.type.members.isEmpty && !names.contains(other.path) {
            let isLog = other.path.hasPrefix("uefi_event_logs")
            #expect(other.claim.presence == .additional || isLog, "\(row.tee.rawValue) \(other.path)")
        }
    }

    @Test("every claim of SEV-SNP is a text in the evidence of Azure, and has its own type in the member snp")
    func azureTexts() throws {
        let names = ClaimFamily.of(.snp).claims.map(\.name)
        let azure = ClaimFamily.of(.azSNPvTPM).claims
        #expect(azure.map(\.name) == names + ["tpm", "snp", "evidence_version", "vm_configuration"])
        let typed = try #require(azure.first { $0.name == "snp" })
        #expect(typed.type.members.map(\.type.summary) == ClaimFamily.of(.snp).claims.map(\.type.summary))
        for claim in azure where names.contains(claim.name) {
            #expect(claim.type.declared(as: "x") == .string && claim.example.stringValue != nil, "\(claim.name)")
        }
    }

    static let stated: [(String, TEE)] = [
        ("tdx", .tdx), ("sgx", .sgx), ("cca", .cca), ("agent-events", .tdx), ("nvidia-gpu", .nvidia),
        ("nvidia-switch", .nvidia), ("nvidia-local", .nvidia), ("snp-genoa", .snp), ("snp-turin", .snp),
    ]

    @Test("what other verifiers stated and ours states fits the catalogue", arguments: stated)
    func conforms(_ row: (file: String, tee: TEE)) throws {
        let folder = try #require(Bundle.module.url(forResource: "Vectors", withExtension: nil))
        let text = try String(contentsOf: folder.appending(path: "claims/\(row.file).json"), encoding: .utf8)
        var claims = try #require(try JSONValue(parsing: text).objectValue)
        claims["report_data"] = nil
        claims["init_data"] = nil
        #expect(claims.count >= 1)
        #expect(ClaimType.object(ClaimFamily.of(row.tee).claims).problems(with: .object(claims)) == [])
    }

    @Test("docs/claims.md is what the catalogue prints; write it with `claviger claims --markdown`")
    func page() throws {
        let file = Fixture.policiesFolder.deletingLastPathComponent().appending(path: "docs/claims.md")
        let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
        let printed = ClaimsPage.markdown().split(separator: "\n")
        for (line, wanted) in zip(lines, printed) where line != wanted {
            Issue.record("docs/claims.md has '\(line.prefix(200))' instead of '\(wanted.prefix(200))'")
            break
        }
        #expect(lines.count == printed.count)
    }
}
