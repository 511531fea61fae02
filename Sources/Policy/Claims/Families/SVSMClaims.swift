import Encodings

extension ClaimFamily {
    static let svsmVTPM = ClaimFamily(
        tee: .svsmVTPM, title: "AMD SEV-SNP with the virtual TPM of an SVSM",
        about: """
            A confidential VM with a virtual TPM that an SVSM keeps at privilege level 0, where the VM's own kernel does \
            not reach. The claims are those of `snp` with the same types; the launch measurement covers SVSM and firmware, \
            kernel and disk are in the TPM's registers. Require the measurement of an SVSM: any other software at level 0 \
            could be a TPM of its own making. Not proven on hardware.
            """,
        claims: ClaimFamily.snp.claims + [TPMClaims.virtual] + SVSMClaims.statement + [
            EventLogClaims.log(from: "firmware's log (eventlog)"), EventLogClaims.findings,
        ])
}

/// What the virtual TPM of an SVSM says besides registers.
enum SVSMClaims {
    static let statement: [Claim] =
        [
            Claim(
                "host_data", .hex(32), example: .string(String(repeating: "0", count: 64)),
                from: "ATTESTATION_REPORT.HOST_DATA (0x0C0)", "What the host gave to the VM when it was launched."),
            Claim(
                "svsm_manifest", .word(["service", "services"]), example: "service", from: "SVSM's manifest",
                "Whether the SVSM's report is about the virtual TPM alone or about all its services."),
            name("ek_name", "public area of the endorsement key", "The virtual TPM's endorsement key."),
            name(
                "ak_name", "public area of the attestation key",
                "The virtual TPM's key that signed the quote; the broker has checked that it is in the TPM of the endorsement key."
            ),
        ] + TPMClaims.clock

    private static func name(_ name: String, _ source: String, _ meaning: String) -> Claim {
        Claim(
            name, .hex(nil), example: "000b5f0c2b6ab6a0f2f8b3d6d0f6a5b1c4e7f9081726354453627180a9b8c7d6e5f4",
            from: source,
            meaning + " It is named by the number of an algorithm and the digest of what a TPM says of it.")
    }
}
