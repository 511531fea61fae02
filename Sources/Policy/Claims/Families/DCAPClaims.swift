/// What checking an Intel quote against Intel's collateral gives, for SGX and TDX alike.
enum DCAPClaims {
    static let statuses = [
        "UpToDate", "SWHardeningNeeded", "ConfigurationNeeded", "ConfigurationAndSWHardeningNeeded", "OutOfDate",
        "OutOfDateConfigurationNeeded", "TDRelaunchAdvised", "TDRelaunchAdvisedConfigurationNeeded",
    ]

    static let all: [Claim] = level + dates + collateral + platform

    private static let advisories: ClaimType = .list(.text)

    private static let level: [Claim] = [
        Claim(
            "tcb_status", .word(statuses), example: "UpToDate",
            from: "TCB info and QE identity, compared with the PCK certificate and the quote",
            "How the machine's firmware compares with what Intel recommends: UpToDate, or what is to be done about it."),
        Claim(
            "tcb_date", .time, example: "2024-03-13T00:00:00Z", from: "tcbDate of the matching TCB level",
            "The machine's firmware is as good as what was current at this time."),
        Claim(
            "advisory_ids", advisories, example: ["INTEL-SA-00960"], from: "advisoryIDs of the matching TCB level",
            "Intel's security advisories that apply to the machine's firmware; empty when there is none."),
        Claim(
            "tcb_status_current", .word(statuses), .sometimes, example: "UpToDate",
            from: "TCB info, compared with the TCB that runs now (newer verification libraries)",
            "The same for the TDX module that runs now, which may be newer than the one that started the VM."),
        Claim(
            "tcb_date_current", .time, .sometimes, example: "2024-03-13T00:00:00Z",
            from: "tcbDate of the level that runs now (newer verification libraries)",
            "The same date for what runs now."),
        Claim(
            "advisory_ids_current", advisories, .sometimes, example: [],
            from: "advisoryIDs of the level that runs now (newer verification libraries)",
            "The advisories that apply to what runs now."),
    ]

    private static let dates: [Claim] = [
        Claim(
            "collateral_expiration_status", .word(["0", "1"]), example: "0",
            from: "the dates of all collateral against the time of the check",
            "0 when everything that the quote was checked with was still valid, 1 when something had expired."),
        Claim(
            "earliest_issue_date", .time, example: "2018-05-21T10:45:10Z", from: "collateral: earliest issue date",
            "When the oldest piece of collateral was issued."),
        Claim(
            "latest_issue_date", .time, example: "2026-02-18T10:58:51Z", from: "collateral: latest issue date",
            "When the newest piece of collateral was issued."),
        Claim(
            "earliest_expiration_date", .time, example: "2026-03-20T10:01:18Z",
            from: "collateral: earliest nextUpdate or notAfter",
            "When the first piece of collateral ends to be valid."),
    ]

    private static let collateral: [Claim] = [
        Claim(
            "tcb_eval_num", .integer(upTo: 4_294_967_295), example: 18, from: "TCB info, tcbEvaluationDataNumber",
            "The number of Intel's recommendation that was used; it grows with every security release."),
        Claim(
            "root_ca_crl_num", .integer(upTo: 4_294_967_295), example: 1, from: "root CA revocation list, CRL number",
            "The number of the root's revocation list."),
        Claim(
            "pck_crl_num", .integer(upTo: 4_294_967_295), example: 1, from: "PCK revocation list, CRL number",
            "The number of the revocation list for machines."),
        Claim(
            "root_key_id", .hex(48),
            example: "46e403bd34f05a3f2817ab9badcaacc7ffc98e0f261008cd30dae936cace18d5dcf58eef31463613de1570d516200993",
            from: "SHA-384 of the root CA's public key", "The root of trust that the chain ended in: Intel's."),
    ]

    private static let platform: [Claim] = [
        Claim(
            "platform_provider_id", .hex(16), example: "b9c92eb5053cb158956f4e68b6d82f52",
            from: "PCK certificate, extension 1.2.840.113741.1.13.1.1 (PPID)",
            "The identifier of the machine's processor package for provisioning."),
        Claim(
            "platform_instance_id", .hex(16), .sometimes, example: "2b8a5e1f9c4d47708f0e6a3b1c5d7e90",
            from: "PCK certificate, extension 1.2.840.113741.1.13.1.6; only from the Platform CA",
            "The identifier of this installation of the machine, to pin releases to known hardware."),
        Claim(
            "sgx_type", .word(["Standard", "Scalable", "Scalable with Integrity"]), example: "Scalable",
            from: "PCK certificate, extension 1.2.840.113741.1.13.1.5",
            "How the machine protects enclave memory; only Standard and Scalable with Integrity detect changed memory."),
        Claim(
            "is_dynamic_platform", .boolean, .sometimes, example: true,
            from: "PCK certificate, extension 1.2.840.113741.1.13.1.7.1; only from the Platform CA",
            "Whether processor packages can be added to the machine."),
        Claim(
            "is_cached_keys", .boolean, .sometimes, example: true,
            from: "PCK certificate, extension 1.2.840.113741.1.13.1.7.2; only from the Platform CA",
            "Whether Intel keeps the machine's root keys to be able to register it again."),
        Claim(
            "is_smt_enabled", .boolean, .sometimes, example: true,
            from: "PCK certificate, extension 1.2.840.113741.1.13.1.7.3; only from the Platform CA",
            "Whether hyper-threading (SMT) was on when the machine was registered."),
    ]
}
