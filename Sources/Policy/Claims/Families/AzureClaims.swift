import Encodings

extension ClaimFamily {
    static let azureSNP = ClaimFamily(
        tee: .azSNPvTPM, title: "AMD SEV-SNP on Azure, attested through the virtual TPM",
        about: """
            The paravisor that Azure runs beneath the VM holds the processor's report and a virtual TPM. The claims have \
            the names of `snp`, but EVERY value is a text: compare with 'false' and '22', or convert with int(…).
            """,
        claims: AzureClaims.hardwareReport + [TPMClaims.virtual])

    static let azureTDX = ClaimFamily(
        tee: .azTDXvTPM, title: "Intel TDX on Azure, attested through the virtual TPM",
        about: """
            The paravisor that Azure runs beneath the VM holds the processor's quote and a virtual TPM. The claims are \
            those of `tdx` with the same types, and the registers of the virtual TPM. The quote measures the paravisor; \
            kernel and disk are in the TPM's registers.
            """,
        claims: TDXClaims.all + [TPMClaims.virtual])
}

/// The claims of SEV-SNP in the form that guests on Azure have had from the beginning.
enum AzureClaims {
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
