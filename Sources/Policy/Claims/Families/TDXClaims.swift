import Encodings

extension ClaimFamily {
    static let tdx = ClaimFamily(
        tee: .tdx, title: "Intel TDX",
        about: """
            A confidential VM (trust domain, TD) on an Intel Xeon processor. The quote is signed by the machine; texts of \
            hexadecimal digits are the quote's bytes in their order, so numbers in them have their lowest byte first.
            """,
        claims: TDXClaims.all)
}

/// A TDX quote (versions 4 and 5), its boot log, and what Intel says about the machine.
enum TDXClaims {
    static let all: [Claim] =
        [
            Claim("quote", .object(quote), from: "quote", "The quote as it was signed, field by field."),
            Claim(
                "td_attributes", .object(attributes), from: "quote body, TDATTRIBUTES",
                "What the VM is allowed to do, as switches."),
            EventLogClaims.log(from: "CCEL table of the guest (cc_eventlog)"), EventLogClaims.findings,
        ] + DCAPClaims.all

    private static let quote: [Claim] = [
        Claim("header", .object(header), from: "quote header", "Which kind of quote it is and who made it."),
        Claim(
            "body", .object(body), from: "quote body, TDREPORT", "What was measured of the VM and of the TDX module."),
        Claim(
            "type", .hex(2), .sometimes, example: "0300", from: "quote version 5, body type",
            "The kind of body: 0200 for TDX 1.0, 0300 for TDX 1.5; only in quotes of version 5."),
        Claim(
            "size", .hex(4), .sometimes, example: "88020000", from: "quote version 5, body size",
            "The size of the body in bytes; only in quotes of version 5."),
    ]

    private static let header: [Claim] = [
        Claim(
            "version", .hex(2), example: "0400", from: "quote header, offset 0",
            "The version of the quote's format: 0400 or 0500."),
        Claim(
            "att_key_type", .hex(2), example: "0200", from: "quote header, offset 2",
            "The algorithm of the signature: 0200 is ECDSA on P-256."),
        Claim(
            "tee_type", .hex(4), example: "81000000", from: "quote header, offset 4",
            "What was attested: 81000000 is TDX."),
        Claim("reserved", .hex(4), example: "00000000", from: "quote header, offset 8", "Reserved."),
        Claim(
            "vendor_id", .hex(16), example: "939a7233f79c4ca9940a0db3957f0607", from: "quote header, offset 12",
            "Who made the quoting enclave: 939a7233f79c4ca9940a0db3957f0607 is Intel."),
        Claim(
            "user_data", .hex(20), example: "d099bfec0a477aa85a605dceabf2b10800000000", from: "quote header, offset 28",
            "What the owner of the attestation key put there; mostly an identifier of the machine."),
    ]

    private static let body: [Claim] =
        [
            Claim(
                "tcb_svn", .hex(16), example: "03000500000000000000000000000000", from: "TEE_TCB_SVN (body offset 0)",
                "Security versions of what protected the VM when it was started; byte 0 is the TDX module's minor and byte 1 its major version."
            ),
            Claim(
                "mr_seam", .hex(48),
                example:
                    "2fd279c16164a93dd5bf373d834328d46008c2b693af9ebb865b08b2ced320c9a89b4869a9fab60fbe9d0c5a5363c656",
                from: "MRSEAM (body offset 16)", "Measurement of the TDX module."),
            Claim(
                "mrsigner_seam", .hex(48), example: zeros, from: "MRSIGNERSEAM (body offset 64)",
                "Who signed the TDX module; all zero means Intel."),
            Claim(
                "seam_attributes", .hex(8), example: "0000000000000000", from: "SEAMATTRIBUTES (body offset 112)",
                "Switches of the TDX module; anything but zero is a module for debugging."),
            Claim(
                "td_attributes", .hex(8), example: "0000001000000000", from: "TDATTRIBUTES (body offset 120)",
                "What the VM is allowed to do, as bits: 0 debug, 28 no surprise page faults, 29 may be migrated, 30 protection keys, 31 key locker, 63 performance counters."
            ),
            Claim(
                "xfam", .hex(8), example: "e742060000000000", from: "XFAM (body offset 128)",
                "Which extended processor features the VM may use."),
        ] + registers + [
            Claim(
                "report_data", .hex(64),
                example: .string(
                    "7c71fe2c86eff65a7cf8dbc22b3275689fd0464a267baced1bf94fc1324656ae"
                        + "b755da3d44d098c0c87382f3a5f85b45c8a28fee1d3bdb38342bf96671501429"),
                from: "REPORTDATA (body offset 520)",
                "What the guest had signed: the digest over nonce and key that the broker has checked."),
            Claim(
                "tee_tcb_svn2", .hex(16), .sometimes, example: "05010700000000000000000000000000",
                from: "TEE_TCB_SVN2 (body offset 584), TDX 1.5",
                "Security versions of what protects the VM now, after an update of the TDX module under a running VM."),
            Claim(
                "mr_servicetd", .hex(48), .sometimes, example: zeros, from: "MRSERVICETD (body offset 600), TDX 1.5",
                "Measurement of the service VMs that may reach into this one, such as for migration; all zero means none."
            ),
        ]

    private static let registers: [Claim] = [
        Claim(
            "mr_td", .hex(48),
            example: "705ee9381b8633a9fbe532b52345e8433343d2868959f57889d84ca377c395b689cac1599ccea1b7d420483a9ce5f031",
            from: "MRTD (body offset 136)",
            "Launch measurement: the memory that the VM started with, which is its firmware."),
        Claim(
            "mr_config_id", .hex(48), example: zeros, from: "MRCONFIGID (body offset 184)",
            "An identifier that the host gave at start, with Confidential Containers the digest of the init-data."),
        Claim(
            "mr_owner", .hex(48), example: zeros, from: "MROWNER (body offset 232)",
            "The VM's owner, as the host named it at start."),
        Claim(
            "mr_owner_config", .hex(48), example: zeros, from: "MROWNERCONFIG (body offset 280)",
            "The owner's configuration, as the host named it at start."),
        Claim(
            "rtmr_0", .hex(48),
            example: "e940da7c2712d2790e2961e00484f4fa8e6f9eed71361655ae22699476b14f9e63867eb41edd4b480fef0c59f496b288",
            from: "RTMR0 (body offset 328)",
            "Register of the firmware's configuration: memory layout, secure-boot variables, ACPI tables."),
        Claim(
            "rtmr_1", .hex(48),
            example: "559cfcf42716ed6c40a48a73d5acb7da255435012f0a9f00fbe8c1c57612ede486a5684c4c9ff3ddf52315fcdca3a596",
            from: "RTMR1 (body offset 376)",
            "Register of the programs that the firmware started: boot loader and kernel."),
        Claim(
            "rtmr_2", .hex(48),
            example: "21ad2f94d7a48ac3e2f1b58ce6df93a51b4c7b04a4b3c4ed3f1a6e6c0b8b4cbd0b3dbb24d0a8f22ac3c1d1ad3f2e0c75",
            from: "RTMR2 (body offset 424)",
            "Register of what the boot loader or kernel stub loaded: command line and initrd."),
        Claim(
            "rtmr_3", .hex(48), example: zeros, from: "RTMR3 (body offset 472)",
            "Register for software that runs in the VM; all zero while nothing was recorded."),
    ]

    private static let zeros: JSONValue = .string(String(repeating: "0", count: 96))

    private static let attributes: [Claim] = [
        Claim(
            "debug", .boolean, example: false, from: "TDATTRIBUTES bit 0",
            "Whether the host may read and write the VM's memory and registers; a VM with true keeps no secret."),
        Claim(
            "septve_disable", .boolean, example: true, from: "TDATTRIBUTES bit 28",
            "Whether touching memory that was taken away stops the VM instead of telling it, which Linux needs to be safe."
        ),
        Claim(
            "protection_keys", .boolean, example: false, from: "TDATTRIBUTES bit 30",
            "Whether the VM may use supervisor protection keys."),
        Claim(
            "key_locker", .boolean, example: false, from: "TDATTRIBUTES bit 31", "Whether the VM may use Key Locker."),
        Claim(
            "perfmon", .boolean, example: false, from: "TDATTRIBUTES bit 63",
            "Whether the VM may use performance counters, which open side channels."),
    ]
}
