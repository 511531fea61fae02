import EvidenceSimulator
import Foundation
import RATS
import Verification

/// A machine of the stand-in for Intel, what Intel would say about it, and verifiers that believe that.
struct SimulatedIntelSite {
    let intel: SimulatedIntel
    let platform: SimulatedPlatform
    var collateral: SimulatedIntelCollateral

    init(_ change: (inout PlatformCertificateDraft) -> Void = { _ in }) throws {
        intel = try SimulatedIntel(at: Simulation.now)
        platform = try intel.platform(change)
        collateral = SimulatedIntelCollateral(intel, for: platform.draft)
    }

    /// The verifiers' options, changed.
    func options(_ change: (inout IntelCollateralOptions) -> Void = { _ in }) -> IntelCollateralOptions {
        var options = IntelCollateralOptions(anchors: intel.anchors)
        change(&options)
        return options
    }

    /// The code with which a trust domain is refused; `nil` when it is believed.
    func refusal(
        _ domain: SimulatedTrustDomain, _ options: IntelCollateralOptions? = nil,
        rules: TrustDomainRules = TrustDomainRules(), collateral: SimulatedIntelCollateral? = nil,
        filedUnder fmspc: [UInt8]? = nil, at offset: TimeInterval = 0
    ) async throws -> String? {
        try await Simulation.refusal(
            of: domain.evidence(bound: Simulation.digest),
            by: TDXVerifier(options: .init(collateral: options ?? self.options(), trustDomain: rules)),
            (collateral ?? self.collateral).items(filedUnder: fmspc), at: offset)
    }

    /// The code with which an enclave is refused; `nil` when it is believed.
    func refusal(_ enclave: SimulatedEnclave, _ change: (inout SGXVerifier.Options) -> Void = { _ in }) async throws
        -> String?
    {
        var options = SGXVerifier.Options(collateral: self.options())
        change(&options)
        return try await Simulation.refusal(
            of: enclave.evidence(bound: Simulation.digest), by: SGXVerifier(options: options), collateral.items())
    }

    /// The code with which a trust domain on `platform` is refused with collateral that was changed.
    func refusal(
        on platform: SimulatedPlatform? = nil, _ options: IntelCollateralOptions? = nil, at offset: TimeInterval = 0,
        changing change: (inout SimulatedIntelCollateral) -> Void = { _ in }
    ) async throws -> String? {
        var changed = collateral
        change(&changed)
        return try await refusal(
            SimulatedTrustDomain(on: platform ?? self.platform), options, collateral: changed, at: offset)
    }
}
