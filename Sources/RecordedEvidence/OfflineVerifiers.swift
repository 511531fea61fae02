public import RATS
import Verification

/// The verifiers for evidence that is examined where no broker runs.
public enum OfflineVerifiers {
    /// How much is let in.
    public enum Strictness: Sendable {
        /// What a careful broker lets in, except that revocation lists of AMD's which are not at hand are not missed,
        /// nor NVIDIA's manifests.
        case careful
        /// Whatever a setting could let in, so that evidence can be looked at which would be refused.
        case lenient
    }

    /// A verifier for each kind of evidence.
    public static func all(_ strictness: Strictness, allowSample: Bool = false) -> [any EvidenceVerifier] {
        let verifiers: [any EvidenceVerifier] = [
            snp(strictness), tdx(strictness), sgx(strictness), azureSNP(strictness), azureTDX(strictness),
            TPMVerifier(), CCAVerifier(), csv(strictness), nitro(strictness), SEVerifier(SEVerifier.Options()),
            nvidia(strictness), NVIDIADPUVerifier(),
            SEVVerifier(SEVVerifier.Options()),
            SVSMVerifier(snp: snpOptions(strictness)), DCUVerifier(), PEFVerifier(),
        ]
        return verifiers + (allowSample ? [SampleVerifier(), SampleDeviceVerifier()] : [])
    }

    static func snp(_ strictness: Strictness) -> SNPVerifier { SNPVerifier(snpOptions(strictness)) }

    static func snpOptions(_ strictness: Strictness) -> SNPVerifier.Options {
        var options = SNPVerifier.Options()
        options.revocation.coverage = .none
        guard strictness == .lenient else { return options }
        options.version2Products = Set(SNPProduct.allCases)
        options.vmpls = [0, 1, 2, 3]
        options.allowsDebug = true
        options.allowsMigration = true
        options.allowsMaskedChipID = true
        options.requiresReportedTCBAtLaunch = false
        return options
    }

    static func tdx(_ strictness: Strictness) -> TDXVerifier { TDXVerifier(options: tdxOptions(strictness)) }

    static func tdxOptions(_ strictness: Strictness) -> TDXVerifier.Options {
        var options = TDXVerifier.Options()
        options.trustDomain.allowsDebug = strictness == .lenient
        options.trustDomain.allowsProfiling = strictness == .lenient
        return options
    }

    static func sgx(_ strictness: Strictness) -> SGXVerifier {
        SGXVerifier(options: SGXVerifier.Options(allowsDebug: strictness == .lenient))
    }

    static func azureSNP(_ strictness: Strictness) -> AzureSNPVerifier {
        AzureSNPVerifier(AzureSNPVerifier.Options(snp: snpOptions(strictness)))
    }

    static func azureTDX(_ strictness: Strictness) -> AzureTDXVerifier {
        AzureTDXVerifier(AzureTDXVerifier.Options(tdx: tdxOptions(strictness)))
    }

    static func csv(_ strictness: Strictness) -> CSVVerifier {
        var options = CSVVerifier.Options()
        options.allowsVersion1 = strictness == .lenient
        return CSVVerifier(options)
    }

    static func nitro(_ strictness: Strictness) -> NitroVerifier {
        var options = NitroVerifier.Options()
        options.allowsDebug = strictness == .lenient
        return NitroVerifier(options)
    }

    /// Manifests are not missed, because few reports are kept with the manifests that fit them.
    static func nvidia(_ strictness: Strictness) -> NVIDIAVerifier {
        var options = NVIDIAVerifier.Options()
        options.requiresManifests = false
        options.allowsTrailingZeros = strictness == .lenient
        options.allowsMissingFirmwareID = strictness == .lenient
        options.requiresTopology = strictness == .careful
        return NVIDIAVerifier(options)
    }

    /// Anybody can make a quote with a key that nobody vouches for.
    static func tpm(_ strictness: Strictness) -> TPMVerifier {
        var options = TPMVerifier.Options()
        options.unknownKeys = strictness == .careful ? .refused : .contraindicated
        return TPMVerifier(options)
    }
}
