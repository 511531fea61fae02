extension ClaimFamily {
    static let snp = ClaimFamily(
        tee: .snp, title: "AMD SEV-SNP",
        about: """
            A confidential VM on an AMD EPYC processor. Everything is read from the attestation report that the \
            processor signs (AMD 56860); bits and offsets are those of its ATTESTATION_REPORT structure.
            """,
        claims: SNPClaims.guest + SNPClaims.policy + SNPClaims.platform + SNPClaims.additions)
}

/// The parts of an SEV-SNP attestation report.
enum SNPClaims {
    static let measurement = Claim(
        "measurement", .hex(48),
        example: "6a6519d757e68c2e939c9dbbbc1828498e8de35d2766dd05f1a2cca5059d0cf4ae62a36d75c837974dd50b315506e73e",
        from: "ATTESTATION_REPORT.MEASUREMENT (0x090)",
        "Launch digest: what the VM's memory and registers held before its first instruction (firmware, and with direct boot kernel, initrd and command line)."
    )

    static let guest: [Claim] = [measurement]

    static let policy: [Claim] = [
        Claim(
            "policy_abi_major", .integer(upTo: 255), example: 0, from: "ATTESTATION_REPORT.POLICY bits 15:8",
            "The oldest major version of the firmware interface on which the VM agreed to run."),
        Claim(
            "policy_abi_minor", .integer(upTo: 255), example: 0, from: "ATTESTATION_REPORT.POLICY bits 7:0",
            "The oldest minor version of the firmware interface on which the VM agreed to run."),
        Claim(
            "policy_debug_allowed", .boolean, example: false, from: "ATTESTATION_REPORT.POLICY bit 19",
            "Whether the host may read and write the VM's memory in the clear; a VM with true keeps no secret."),
        Claim(
            "policy_migrate_ma", .boolean, example: false, from: "ATTESTATION_REPORT.POLICY bit 18",
            "Whether a migration agent may export the VM to another machine."),
        Claim(
            "policy_single_socket", .boolean, example: false, from: "ATTESTATION_REPORT.POLICY bit 20",
            "Whether the VM may run on one processor socket only."),
        Claim(
            "policy_smt_allowed", .boolean, example: true, from: "ATTESTATION_REPORT.POLICY bit 16",
            "Whether the VM agreed to run where hyper-threading (SMT) is on."),
    ]

    static let platform: [Claim] = [
        Claim(
            "chip_id", .hex(64),
            example: .string(
                "371c55d6d15cb50f16dc31d39a24e300caaabff4431e841111429b73ec45ad67"
                    + "ea6e687ffae7bf84b54a5d0e6d79b3ef6ff0bd8b4cff94c2163af5c5de8718e8"),
            from: "ATTESTATION_REPORT.CHIP_ID (0x1A0)",
            "The processor's own identifier; all zero when the host masks it, and only the first 8 bytes are used on Turin."
        ),
        Claim(
            "platform_smt_enabled", .boolean, example: true, from: "ATTESTATION_REPORT.PLATFORM_INFO bit 0",
            "Whether hyper-threading (SMT) is on, so that another tenant may share a core's caches."),
        Claim(
            "platform_tsme_enabled", .boolean, example: false, from: "ATTESTATION_REPORT.PLATFORM_INFO bit 1",
            "Whether the whole memory of the machine is encrypted as well (transparent SME)."),
        tcb("reported", "bootloader", "REPORTED_TCB byte 0 (Turin: byte 1)", 10, bootloader + reportedNote),
        tcb("reported", "microcode", "REPORTED_TCB byte 7", 25, microcode + reportedNote),
        tcb("reported", "snp", "REPORTED_TCB byte 6 (Turin: byte 3)", 23, firmware + reportedNote),
        tcb("reported", "tee", "REPORTED_TCB byte 1 (Turin: byte 2)", 0, system + reportedNote),
    ]

    /// What our verifier states beyond the names that policies of other brokers know.
    static let additions: [Claim] =
        identity + [
            Claim(
                "platform_alias_check", .boolean, .additional, example: true,
                from: "ATTESTATION_REPORT.PLATFORM_INFO bit 5",
                "Whether the firmware checked that no two addresses lead to the same memory (a defence against BadRAM)."
            ),
            Claim(
                "platform_ciphertext_hiding", .boolean, .additional, example: false,
                from: "ATTESTATION_REPORT.PLATFORM_INFO bit 4",
                "Whether the host is kept from reading even the encrypted memory of VMs."),
            Claim(
                "platform_info", .integer(upTo: .max), .additional, example: 37,
                from: "ATTESTATION_REPORT.PLATFORM_INFO (0x040)",
                "All that the firmware says of the machine's settings, as the number in the report."),
            Claim(
                "platform_unknown_bits", .boolean, .additional, example: false,
                from: "ATTESTATION_REPORT.PLATFORM_INFO (0x040)",
                "Whether that number has bits whose meaning this broker does not know, as newer firmware may set."),
            tcb("reported", "fmc", "REPORTED_TCB byte 0, Turin only", 1, fmc + reportedNote, .additional),
        ] + level("committed", "COMMITTED_TCB", "that the machine can no longer be rolled back below")
        + level("launch", "LAUNCH_TCB", "that ran when the VM was started") + certificate

    private static let identity: [Claim] = [
        Claim(
            "version", .integer(upTo: 255), .additional, example: 3, from: "ATTESTATION_REPORT.VERSION (0x000)",
            "The format of the report; older ones say less about the processor."),
        Claim(
            "vmpl", .integer(upTo: 3), .additional, example: 0, from: "ATTESTATION_REPORT.VMPL (0x030)",
            "The privilege level that asked for the report: 0 is the most trusted software in the VM, 3 the least."),
        Claim(
            "guest_svn", .integer(upTo: 4_294_967_295), .additional, example: 0,
            from: "ATTESTATION_REPORT.GUEST_SVN (0x004)",
            "The security version that the image's owner gave it in the ID block."),
        Claim(
            "family_id", .hex(16), .additional, example: "00000000000000000000000000000000",
            from: "ATTESTATION_REPORT.FAMILY_ID (0x010)", "The family of images, as the owner named it in the ID block."
        ),
        Claim(
            "image_id", .hex(16), .additional, example: "00000000000000000000000000000000",
            from: "ATTESTATION_REPORT.IMAGE_ID (0x020)", "The image, as the owner named it in the ID block."),
        Claim(
            "id_key_digest", .hex(48), .additional, example: .string(String(repeating: "0", count: 96)),
            from: "ATTESTATION_REPORT.ID_KEY_DIGEST (0x0E0)",
            "SHA-384 of the key that signed the ID block; all zero when there was none."),
        Claim(
            "author_key_digest", .hex(48), .additional, example: .string(String(repeating: "0", count: 96)),
            from: "ATTESTATION_REPORT.AUTHOR_KEY_DIGEST (0x110)",
            "SHA-384 of the key that certified the ID key; all zero when there was none."),
    ]

    private static let certificate: [Claim] = [
        Claim(
            "vek_type", .word(["VCEK", "VLEK"]), .additional, example: "VCEK",
            from: "ATTESTATION_REPORT.KEY_INFO bits 4:2, and the certificate",
            "Whose key signed the report: the chip's own (VCEK), or one that AMD lent to a cloud provider (VLEK)."),
        Claim(
            "csp_id", .text, .additional, example: "CN=cc-us-east-2.amazonaws.com",
            from: "VLEK certificate, extension 1.3.6.1.4.1.3704.1.5",
            "The cloud provider that the signing key was lent to, in AMD's words; only with a VLEK."),
        Claim(
            "product", .word(["Milan", "Genoa", "Turin", "Venice"]), .additional, example: "Genoa",
            from: "ATTESTATION_REPORT.CPUID_FAM_ID and CPUID_MOD_ID, or the certificate's issuer",
            "The generation of the processor."),
        Claim(
            "crl_status", .word(["good", "within_grace", "no_list", "stale", "future", "unbounded"]), .additional,
            example: "good", from: "AMD's revocation list for the product",
            "What AMD's revocation list said of the authority over the signing key: good when a current one, or an overdue one within its grace, does not name it; the other words say why none counts."
        ),
        Claim(
            "vek_not_after", .time, .additional, example: "2032-05-27T00:00:00Z",
            from: "VCEK or VLEK certificate, notAfter", "When the certificate of the signing key ends."),
    ]

    private static let bootloader = "Security version of the secure processor's boot loader"
    private static let microcode = "Security version of the microcode"
    private static let firmware = "Security version of the SNP firmware"
    private static let system = "Security version of the secure processor's operating system"
    private static let fmc = "Security version of the first mutable code of the secure processor"
    private static let reportedNote = ", as reported to guests: the number to set a minimum for."

    private static func tcb(
        _ level: String, _ part: String, _ source: String, _ example: Int64, _ meaning: String,
        _ presence: Claim.Presence = .always
    ) -> Claim {
        Claim(
            "\(level)_tcb_\(part)", .integer(upTo: 255), presence, example: .int(example),
            from: "ATTESTATION_REPORT.\(source)", meaning)
    }

    private static func level(_ level: String, _ field: String, _ which: String) -> [Claim] {
        [
            tcb(level, "bootloader", "\(field) byte 0 (Turin: byte 1)", 10, "\(bootloader) \(which).", .additional),
            tcb(level, "microcode", "\(field) byte 7", 25, "\(microcode) \(which).", .additional),
            tcb(level, "snp", "\(field) byte 6 (Turin: byte 3)", 23, "\(firmware) \(which).", .additional),
            tcb(level, "tee", "\(field) byte 1 (Turin: byte 2)", 0, "\(system) \(which).", .additional),
            tcb(level, "fmc", "\(field) byte 0, Turin only", 1, "\(fmc) \(which).", .additional),
        ]
    }
}
