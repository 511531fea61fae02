import RATS

/// Everything that the evidence of one TEE states.
public struct ClaimFamily: Sendable {
    /// The TEE.
    public let tee: TEE
    /// Its name in full.
    public let title: String
    /// What to know before reading the claims.
    public let about: String
    /// The claims, as they stand under the TEE's name.
    public let claims: [Claim]

    /// The claims of all TEEs, related ones side by side.
    public static let all: [ClaimFamily] = [
        snp, azureSNP, tdx, azureTDX, sgx, cca, se, csv, nitro, tpm, nvidia, nvidiaDPU, hygonDCU, sev, sample,
        sampleDevice, svsmVTPM, pef,
    ]

    /// The claims of one TEE.
    public static func of(_ tee: TEE) -> ClaimFamily {
        switch tee {
        case .snp: snp
        case .azSNPvTPM: azureSNP
        case .tdx: tdx
        case .azTDXvTPM: azureTDX
        case .sgx: sgx
        case .cca: cca
        case .se: se
        case .csv: csv
        case .nitro: nitro
        case .sev: sev
        case .svsmVTPM: svsmVTPM
        case .pef: pef
        case .tpm: tpm
        case .nvidia: nvidia
        case .nvidiaDPU: nvidiaDPU
        case .hygondcu: hygonDCU
        case .sample: sample
        case .sampledevice: sampleDevice
        }
    }
}
