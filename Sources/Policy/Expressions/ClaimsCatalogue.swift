import RATS

/// The names of the claims that verifiers produce, as far as they are fixed (kbs-protocol Appendix C).
enum ClaimsCatalogue {
    /// What may follow the name of a TEE; TEEs whose claims are not catalogued yet accept any name.
    static func claims(of tee: TEE) -> NameTree {
        switch tee {
        case .sample: .members(sample)
        case .sampledevice: .members(NameTree.values("svn"))
        case .snp: .members(snp)
        case .tdx: .members(tdx)
        default: .any
        }
    }

    /// Everything in the annotated evidence of one submodule.
    static let annotated: NameTree = {
        var members = aside
        for tee in TEE.allCases { members[tee.rawValue] = claims(of: tee) }
        return .members(members)
    }()

    /// What stands beside the TEE's own claims.
    static let aside: [String: NameTree] = [
        "init_data": .value, "init_data_claims": .any, "report_data": .value,
        "runtime_data_claims": .members(["nonce": .value, "tee-pubkey": .any, "additional-evidence": .value]),
    ]

    private static let sample: [String: NameTree] = NameTree.values("svn launch_digest debug").merging(
        ["platform_version": .members(NameTree.values("major minor"))]) { $1 }

    private static let snp = NameTree.values(
        """
        measurement chip_id platform_smt_enabled platform_tsme_enabled policy_abi_major policy_abi_minor \
        policy_debug_allowed policy_migrate_ma policy_single_socket policy_smt_allowed reported_tcb_bootloader \
        reported_tcb_microcode reported_tcb_snp reported_tcb_tee
        """)

    private static let tdx: [String: NameTree] = {
        let header = NameTree.values("version att_key_type tee_type reserved vendor_id user_data")
        let body = NameTree.values(
            """
            tcb_svn mr_seam mrsigner_seam mr_td mr_config_id mr_owner mr_owner_config rtmr_0 rtmr_1 rtmr_2 rtmr_3 \
            seam_attributes td_attributes xfam report_data tee_tcb_svn2 mr_servicetd
            """)
        let collateral = NameTree.values(
            """
            tcb_status tcb_date collateral_expiration_status earliest_issue_date latest_issue_date \
            earliest_expiration_date tcb_eval_num root_ca_crl_num pck_crl_num root_key_id platform_provider_id \
            platform_instance_id sgx_type is_dynamic_platform is_cached_keys is_smt_enabled tcb_status_current \
            tcb_date_current
            """)
        let structured: [String: NameTree] = [
            "quote": .members([
                "header": .members(header), "body": .members(body), "type": .value, "size": .value,
            ]),
            "td_attributes": .members(NameTree.values("debug septve_disable protection_keys key_locker perfmon")),
            "uefi_event_logs": .any, "advisory_ids": .any, "advisory_ids_current": .any,
        ]
        return collateral.merging(structured) { $1 }
    }()
}
