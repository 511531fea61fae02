import Encodings

extension ClaimFamily {
    static let azureSNP = ClaimFamily(
        tee: .azSNPvTPM, title: "AMD SEV-SNP on Azure, attested through the virtual TPM",
        about: """
            The paravisor that Azure runs beneath the VM holds the processor's report and a virtual TPM. The claims have \
            the names of `snp`, but EVERY value is a text: compare with 'false' and '22', or convert with int(…). The \
            member `snp` has them once more, with the types that they have elsewhere.
            """,
        claims: AzureClaims.hardwareReport + [
            TPMClaims.virtual,
            Claim(
                "snp", .object(ClaimFamily.snp.claims), .additional, from: "HCL report, ATTESTATION_REPORT",
                "The same claims with the names and types of `snp`."),
        ] + AzureClaims.paravisor)

    static let azureTDX = ClaimFamily(
        tee: .azTDXvTPM, title: "Intel TDX on Azure, attested through the virtual TPM",
        about: """
            The paravisor that Azure runs beneath the VM holds the processor's quote and a virtual TPM. The claims are \
            those of `tdx` with the same types, and the registers of the virtual TPM. The quote measures the paravisor; \
            kernel and disk are in the TPM's registers.
            """,
        claims: TDXClaims.all + [TPMClaims.virtual] + AzureClaims.paravisor)
}

/// The claims of SEV-SNP in the form that guests on Azure have had from the beginning.
enum AzureClaims {
    /// What the paravisor says, and how fresh it is.
    static let paravisor: [Claim] = [
        Claim(
            "evidence_version", .integer(upTo: 2), .additional, example: 2, from: "evidence, version",
            "The form of the evidence. From 2 on the processor's report was made for this session; before, it may be as old as the boot."
        ),
        Claim(
            "vm_configuration",
            .open([
                Claim(
                    "secure-boot", .boolean, .sometimes, example: true, from: "HCL runtime data, secure-boot",
                    "Whether the VM's firmware starts signed boot loaders only."),
                Claim(
                    "console-enabled", .boolean, .sometimes, example: false, from: "HCL runtime data, console-enabled",
                    "Whether the host has a console of the VM."),
                Claim(
                    "tpm-enabled", .boolean, .sometimes, example: true, from: "HCL runtime data, tpm-enabled",
                    "Whether the VM has the virtual TPM."),
                Claim(
                    "tpm-persisted", .boolean, .sometimes, example: false, from: "HCL runtime data, tpm-persisted",
                    "Whether the virtual TPM keeps its state while the VM is off, outside of the VM."),
                Claim(
                    "vmUniqueId", .text, .sometimes, example: "7DF7B373-B947-4AAA-96E5-C358F2A03D20",
                    from: "HCL runtime data, vmUniqueId", "Azure's identifier of the VM."),
                Claim(
                    "root-cert-thumbprint", .text, .sometimes, example: "6nZZnYaJc4KqUZ_yvA-mucFdYNouvlPnITnNMXsHl-0",
                    from: "HCL runtime data, root-cert-thumbprint",
                    "The root under which Azure certifies the virtual TPM's key."),
            ]), .additional, from: "HCL runtime data, vm-configuration",
            "How the VM is configured, as the paravisor wrote it and the processor's report vouches for."),
    ]

    static let hardwareReport: [Claim] = ClaimFamily.snp.claims.map(asText)

    private static func asText(_ claim: Claim) -> Claim {
        let source = claim.source.replacing("ATTESTATION_REPORT", with: "HCL report, ATTESTATION_REPORT")
        func text(_ type: ClaimType, _ example: JSONValue) -> Claim {
            Claim(claim.name, type, claim.presence, example: example, from: source, claim.meaning)
        }
        switch (claim.type, claim.example) {
        case (.boolean, .bool(let value)): return text(.booleanText, .string(value ? "true" : "false"))
        case (.integer, .int(let value)): return text(.decimalText, .string(String(value)))
        case (.hex(let count), .string(let digits)) where claim.name == SNPClaims.measurement.name:
            return text(.base64(count), .string(Base64.encode((try? Hex.decode(digits)) ?? [])))
        case (let type, let example): return text(type, example)
        }
    }
}
