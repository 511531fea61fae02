public import RATS
public import Verification

/// Which kinds of hardware evidence are believed, and what is demanded of each. The defaults are the strict ones.
public struct VerifierConfiguration: Sendable, Hashable {
    /// The kinds that can be verified.
    public static let knownKinds: [TEE] = defaultKinds + [.sev, .svsmVTPM, .hygondcu, .pef]
    /// The kinds that are believed unless others are named: all but legacy ones, and those that nobody has proved on hardware
    /// and that no other system defines.
    public static let defaultKinds: [TEE] = [
        .snp, .tdx, .sgx, .azSNPvTPM, .azTDXvTPM, .tpm, .cca, .se, .csv, .nitro, .nvidia, .nvidiaDPU,
    ]

    /// The kinds of evidence that are believed at all.
    public var kinds = VerifierConfiguration.defaultKinds
    /// AMD SEV-SNP, also behind Azure's virtual TPM.
    public var snp = SNPConfiguration()
    /// Intel's word on platforms, for SGX and TDX.
    public var intel = IntelConfiguration()
    /// Intel TDX, also behind Azure's virtual TPM.
    public var tdx = TDXConfiguration()
    /// Intel SGX.
    public var sgx = SGXConfiguration()
    /// The oldest version of evidence from Azure. From 2 on the hardware's statement is made for the session; guests of
    /// older releases send less, so that 0, which lets all of them in, is not the strictest choice.
    public var azureMinimumVersion = 0
    /// Refuses quotes of TPMs whose key nobody vouches for; otherwise their hardware is contraindicated.
    public var tpmRefusesUnknownKeys = false
    /// Attestation keys of TPMs that the operator vouches for: SubjectPublicKeyInfo in DER.
    public var tpmTrustedKeys: Set<[UInt8]> = []
    /// Arm CCA.
    public var cca = CCAConfiguration()
    /// IBM Secure Execution.
    public var se = SEConfiguration()
    /// Lets in Hygon CSV reports of version 1, whose mask is not signed; policies see the claim `version`.
    public var csvAllowsVersion1 = false
    /// AWS Nitro Enclaves.
    public var nitro = NitroConfiguration()
    /// NVIDIA GPUs and switches.
    public var nvidia = NVIDIAConfiguration()
    /// AMD SEV and SEV-ES, which is legacy and off unless its kind is named.
    public var sev = SEVConfiguration()
    /// OpenPOWER hosts of secure guests; their TPMs are those of `tpm`.
    public var pef = PEFConfiguration()
    /// Hygon accelerators.
    public var dcu = DCUConfiguration()
    /// NVIDIA BlueField cards. Without roots none is believed.
    public var nvidiaDPU = NVIDIADPUVerifier.Options()

    /// The defaults.
    public init() {}
}

/// What is demanded of SEV-SNP guests.
public struct SNPConfiguration: Sendable, Hashable {
    /// Lets in guests that the host may look into; policies see the claim `policy_debug_allowed`.
    public var allowsDebug = false
    /// Lets in guests that a migration agent may export; policies see the claim `policy_migrate_ma`.
    public var allowsMigration = false
    /// Lets in reports that do not say which chip they are from.
    public var allowsMaskedChipID = false
    /// The privilege levels that may have asked for the report, from 0 to 3.
    public var vmpls: Set<UInt32> = [0]
    /// The products that reports of version 2 are believed for.
    public var version2Products: Set<SNPProduct> = []
    /// The providers whose keys (VLEK) are believed; `nil` for all.
    public var providers: Set<String>?
    /// The oldest firmware of each product.
    public var minimumTCB: [SNPProduct: SNPTCBLevels] = [:]
    /// Refuses evidence when AMD's revocation list is not to be had.
    public var requiresRevocationList = true
    /// How long after the next one was due a revocation list counts.
    public var revocationGrace: Duration = .zero

    /// The defaults.
    public init() {}

    var options: SNPVerifier.Options {
        var options = SNPVerifier.Options()
        options.allowsDebug = allowsDebug
        options.allowsMigration = allowsMigration
        options.allowsMaskedChipID = allowsMaskedChipID
        options.vmpls = vmpls
        options.version2Products = version2Products
        options.providers = providers
        options.minimumTCB = minimumTCB
        options.revocation.grace = revocationGrace
        if !requiresRevocationList { options.revocation.coverage = .none }
        return options
    }
}

/// How Intel's collateral counts.
public struct IntelConfiguration: Sendable, Hashable {
    /// How early recoveries count.
    public var channel = CollateralName.IntelUpdateChannel.early
    /// How long collateral is tolerated after its successor was due.
    public var grace: Duration = .zero
    /// The least evaluation number that collateral may have.
    public var minimumEvaluationNumber: UInt32 = 0

    /// The defaults.
    public init() {}

    var options: IntelCollateralOptions {
        IntelCollateralOptions(channel: channel, grace: grace, minimumEvaluationNumber: minimumEvaluationNumber)
    }
}

/// What is demanded of trust domains.
public struct TDXConfiguration: Sendable, Hashable {
    /// Lets in trust domains that the host may look into; policies see the claim `td_attributes.debug`.
    public var allowsDebug = false
    /// Lets in trust domains that the host may profile.
    public var allowsProfiling = false
    /// The measurements (MRSERVICETD, 48 bytes) of service trust domains that may reach into others.
    public var serviceTDs: Set<[UInt8]> = []

    /// The defaults.
    public init() {}

    var rules: TrustDomainRules {
        TrustDomainRules(allowsDebug: allowsDebug, allowsProfiling: allowsProfiling, serviceTDs: serviceTDs)
    }
}

/// What is demanded of enclaves.
public struct SGXConfiguration: Sendable, Hashable {
    /// Lets in enclaves that the host may look into; policies see the claim `body['attributes.flags']`.
    public var allowsDebug = false
    /// Lets in enclaves that may derive the platform's provisioning key.
    public var allowsProvisioningKey = false

    /// The defaults.
    public init() {}
}

extension VerifierRegistry {
    /// The verifiers of the kinds that are let in; those that believe evidence from no hardware only when that is
    /// switched on.
    init(_ verifiers: VerifierConfiguration, allowSample: Bool) {
        let hardware = verifiers.kinds.compactMap { Self.verifier(of: $0, verifiers) }
        self.init(verifiers: hardware + (allowSample ? [SampleVerifier(), SampleDeviceVerifier()] : []))
    }

    private static func verifier(of tee: TEE, _ configuration: VerifierConfiguration) -> (any EvidenceVerifier)? {
        let tdx = TDXVerifier.Options(
            collateral: configuration.intel.options, trustDomain: configuration.tdx.rules)
        switch tee {
        case .snp: return SNPVerifier(configuration.snp.options)
        case .tdx: return TDXVerifier(options: tdx)
        case .sgx:
            return SGXVerifier(
                options: SGXVerifier.Options(
                    collateral: configuration.intel.options, allowsDebug: configuration.sgx.allowsDebug,
                    allowsProvisioningKey: configuration.sgx.allowsProvisioningKey))
        case .azSNPvTPM:
            var options = AzureSNPVerifier.Options(snp: configuration.snp.options)
            options.minimumVersion = Int64(configuration.azureMinimumVersion)
            return AzureSNPVerifier(options)
        case .azTDXvTPM:
            var options = AzureTDXVerifier.Options(tdx: tdx)
            options.minimumVersion = Int64(configuration.azureMinimumVersion)
            return AzureTDXVerifier(options)
        case .tpm:
            var options = TPMVerifier.Options()
            options.trustedKeys = configuration.tpmTrustedKeys
            options.unknownKeys = configuration.tpmRefusesUnknownKeys ? .refused : .contraindicated
            return TPMVerifier(options)
        case .cca: return CCAVerifier(configuration.cca.options)
        case .se: return SEVerifier(configuration.se.options)
        case .csv:
            var options = CSVVerifier.Options()
            options.allowsVersion1 = configuration.csvAllowsVersion1
            return CSVVerifier(options)
        case .nitro: return NitroVerifier(configuration.nitro.options)
        case .nvidia: return NVIDIAVerifier(configuration.nvidia.options)
        case .sev: return SEVVerifier(configuration.sev.options)
        case .pef:
            var options = configuration.pef.options
            options.tpm.trustedKeys = configuration.tpmTrustedKeys
            return PEFVerifier(options)
        case .hygondcu: return DCUVerifier(configuration.dcu.options)
        case .svsmVTPM: return SVSMVerifier(snp: configuration.snp.options)
        case .nvidiaDPU: return NVIDIADPUVerifier(configuration.nvidiaDPU)
        default: return nil
        }
    }
}
