import Encodings

extension ClaimFamily {
    static let tpm = ClaimFamily(
        tee: .tpm, title: "TPM 2.0",
        about: """
            A machine whose TPM signs its measured boot, without encrypted memory: whoever operates it can read its \
            memory. Trust the key by name (`ak_public`), since anybody can make one.
            """,
        claims: TPMClaims.registers(from: "TPM quote, bank SHA-256") + [
            Claim(
                "ak_public", .base64(nil),
                example:
                    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEg5r1Qv5nHcJRFy0zbb5l3r1zsm1XjKcJ0A0yuL9w5d0k2mQ4jZ8x6c0Hk0mJm0xYyqk0tqg5B1o3xk3zj1c0yQ==",
                from: "evidence, ak_public (DER SubjectPublicKeyInfo)",
                "The TPM's attestation key that signed the quote.")
        ] + TPMClaims.statement + [
            EventLogClaims.log(from: "firmware's log (eventlog)", with: ", and `ak_trust` is not `none`"),
            EventLogClaims.findings,
        ])
}

/// The registers of a TPM.
enum TPMClaims {
    /// Who vouches for the key, and what the quote says besides registers.
    static let statement: [Claim] =
        [
            Claim(
                "ak_trust", .word(["allow_list", "certificate", "none"]), .additional, example: "certificate",
                from: "the broker's configuration, or the key's certificate",
                "Who vouches for the attestation key: the operator by name, an authority, or nobody."),
            Claim(
                "pcr_bank", .word(["SHA-256", "SHA-384", "SHA-512"]), .additional, example: "SHA-256",
                from: "TPM quote, selection", "The bank of the registers."),
        ] + clock + [
            Claim(
                "firmware_version", .hex(8), .additional, example: "2016051100162800",
                from: "TPM quote, firmware version",
                "The version of the TPM's firmware, in its vendor's numbers.")
        ]

    /// How often the TPM began anew.
    static let clock: [Claim] = [
        Claim(
            "clock_safe", .boolean, .additional, example: true, from: "TPM quote, clock",
            "Whether the TPM's clock never stood at a later time before."),
        Claim(
            "reset_count", .integer(upTo: 4_294_967_295), .additional, example: 10, from: "TPM quote, clock",
            "How often the TPM was reset."),
        Claim(
            "restart_count", .integer(upTo: 4_294_967_295), .additional, example: 0, from: "TPM quote, clock",
            "How often the TPM was restarted or resumed since it was reset."),
    ]

    /// The registers of a virtual TPM, as a claim of a confidential VM.
    static let virtual = Claim(
        "tpm", .object(registers(from: "virtual TPM quote, bank SHA-256")), from: "virtual TPM quote",
        "The registers of the virtual TPM, which hold what the VM booted.")

    static func registers(from source: String) -> [Claim] {
        (0..<24).map { index in
            let number = index < 10 ? "0\(index)" : "\(index)"
            return Claim(
                "pcr\(number)", .hex(32), example: .string(example(index)), from: "\(source), register \(index)",
                meaning(index))
        }
    }

    /// Registers 0 to 16 start with zeros, 17 to 22 with ones.
    private static func example(_ index: Int) -> String {
        switch index {
        case 0: "84275b2f4312cd4fc6cbe6b152ad3c3683e513d9f1e23c34fca160c8cca7a6a7"
        case 17...22: String(repeating: "f", count: 64)
        default: String(repeating: "0", count: 64)
        }
    }

    private static func meaning(_ index: Int) -> String {
        switch index {
        case 0: "Register of the firmware's own code."
        case 1: "Register of the firmware's settings."
        case 2: "Register of firmware drivers from plug-in cards."
        case 3: "Register of the settings of such drivers."
        case 4: "Register of the boot loaders that were started."
        case 5: "Register of the boot loader's settings and the partition table."
        case 6: "Register of the machine maker's own events."
        case 7: "Register of secure boot: whether it is on, and its keys."
        case 8:
            "Register that the guest extends with the digest of its init-data; boot loaders such as GRUB write their command lines there."
        case 9: "Register of files that the boot loader or the kernel's stub read, such as the initrd."
        case 10: "Register of files that the kernel measured while running (Linux IMA)."
        case 11: "Register of the unified kernel image: kernel, initrd and command line by the stub of systemd."
        case 12: "Register of kernel command lines and system extensions that were added at boot."
        case 13: "Register of system extensions."
        case 14: "Register of the keys that shim accepts beside secure boot's."
        case 15: "Register of the machine's identity and root volume, by systemd."
        case 16: "Register for debugging; anybody may reset it, so that it proves nothing."
        case 17: "Register of the dynamic launch, and of events that the guest's agent records while running."
        case 23: "Register for applications; it may be reset, so that it proves little."
        default: "Register of the dynamic launch (D-RTM)."
        }
    }
}
