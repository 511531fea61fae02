/// A kind of attester: a trusted execution environment or a device attached to one, by its name on the wire.
///
/// The raw values are the names that the KBS protocol, tokens and policies use. Names are case sensitive.
public enum TEE: String, Sendable, CaseIterable, Hashable, Codable {
    /// AMD SEV-SNP confidential VM on Azure, attested through its virtual TPM.
    case azSNPvTPM = "az-snp-vtpm"
    /// Intel TDX confidential VM on Azure, attested through its virtual TPM.
    case azTDXvTPM = "az-tdx-vtpm"
    /// NVIDIA GPUs and switches.
    case nvidia
    /// Intel SGX enclave.
    case sgx
    /// AMD SEV-SNP guest.
    case snp
    /// Intel TDX trust domain.
    case tdx
    /// Arm CCA realm.
    case cca
    /// Hygon CSV guest.
    case csv
    /// IBM Secure Execution guest.
    case se
    /// Hygon DCU accelerator.
    case hygondcu
    /// A TPM 2.0 without a confidential VM around it.
    case tpm
    /// Evidence without any hardware, for development.
    case sample
    /// The device counterpart of ``sample``.
    case sampledevice
    /// NVIDIA BlueField data processing unit.
    case nvidiaDPU = "nvidia-dpu"
    /// AWS Nitro enclave.
    case nitro
    /// AMD SEV or SEV-ES guest, whose launch its host proves; legacy.
    case sev
    /// AMD SEV-SNP guest above an SVSM, attested through the virtual TPM that the SVSM keeps.
    case svsmVTPM = "svsm-vtpm"
    /// OpenPOWER host whose Ultravisor opens secure guests (PEF).
    case pef

    /// The TEE with this wire name, also under the spellings that older guests use.
    ///
    /// `azsnpvtpm` and `aztdxvtpm` were sent by guest-components up to v0.15; `nvidiadpu` and `dpu` stand for
    /// ``nvidiaDPU``. Returns `nil` for every other text.
    public init?(wireName: String) {
        switch wireName {
        case "azsnpvtpm": self = .azSNPvTPM
        case "aztdxvtpm": self = .azTDXvTPM
        case "nvidiadpu", "dpu": self = .nvidiaDPU
        default: self.init(rawValue: wireName)
        }
    }

    /// The class that this attester's claims belong to unless its verifier says otherwise.
    public var deviceClass: DeviceClass {
        switch self {
        case .nvidia, .sampledevice: .gpu
        case .hygondcu: .dcu
        case .nvidiaDPU: .nvidiaDPU
        default: .cpu
        }
    }
}

/// The class of thing that one set of claims describes; it names the submodule of the attestation result.
public enum DeviceClass: String, Sendable, CaseIterable, Hashable, Codable {
    /// The confidential VM or enclave itself.
    case cpu
    /// A graphics or compute accelerator.
    case gpu
    /// An NVLink switch.
    case `switch`
    /// The summary of a validated multi-GPU topology with protected PCIe.
    case ppcie
    /// A Hygon deep computing unit.
    case dcu
    /// A BlueField data processing unit.
    case nvidiaDPU = "nvidia-dpu"

    /// Names for submodules of these classes, in order: each class counts from 0 (`cpu0`, `gpu0`, `gpu1`).
    public static func submoduleNames(of classes: [DeviceClass]) -> [String] {
        var next: [DeviceClass: Int] = [:]
        return classes.map { deviceClass in
            let index = next[deviceClass, default: 0]
            next[deviceClass] = index + 1
            return "\(deviceClass.rawValue)\(index)"
        }
    }

    /// The class that a submodule name stands for: the name without its trailing decimal digits.
    ///
    /// `cpu` without a number, as issuers before 2025-07 wrote it, is a `cpu`. Returns `nil` for an unknown class.
    public init?(submoduleName name: String) {
        let digits = name.reversed().prefix { $0.isASCII && $0.isNumber }.count
        self.init(rawValue: String(name.dropLast(digits)))
    }
}
