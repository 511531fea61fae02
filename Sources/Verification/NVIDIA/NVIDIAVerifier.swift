import Encodings
import FoundationEssentials
public import RATS
import X509Trust

/// Believes reports of NVIDIA GPUs (Hopper, Blackwell) and NVLink switches (LS10), without asking NVIDIA's service.
///
/// A device proves nothing about the machine that uses it: its claims count beside those of the confidential VM whose
/// evidence covers the device's and the same key.
public struct NVIDIAVerifier: EvidenceVerifier {
    /// The kind `nvidia`.
    public let tee: TEE = .nvidia
    /// What is accepted.
    public let options: Options

    /// A verifier that accepts what `options` let in.
    public init(_ options: Options = Options()) {
        self.options = options
    }

    /// Verifies each device's report, the chain of its key, the digest of its first firmware and its registers, that all
    /// answer this session and none is there twice, and that devices with protected PCIe are complete.
    ///
    /// The evidence is `{"device_evidence_list": [{"arch", "uuid", "evidence", "certificate"}]}`; the nonce of the reports
    /// must be the first 32 bytes of the report data. The answer has a set of claims of class `gpu` or `switch` for each
    /// device in the order sent, and one of class `ppcie` behind them for a complete set with protected PCIe. Throws a
    /// ``VerificationError`` whose code names the first check that failed.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let now = context.clock.now()
        var devices: [NVIDIADevice] = []
        for device in try NVIDIAEvidence(evidence.content).devices {
            devices.append(try NVIDIADevice(device, binding: binding, options, at: now))
        }
        try Self.requireDistinct(devices)
        let summary = try topology(of: devices)
        var library = NVIDIAManifestLibrary(options, context)
        var revocation = NVIDIARevocation(context)
        var all: [EvidenceClaims] = []
        for device in devices { all.append(try await claims(of: device, from: &library, &revocation)) }
        guard let summary else { return all }
        all.append(
            EvidenceClaims(
                tee: tee, deviceClass: .ppcie,
                claims: ["gpu_count": .int(Int64(summary.gpus)), "switch_count": .int(Int64(summary.switches))],
                matchedReportData: devices[0].matchedReportData,
                steps: [.passed("topology", "every GPU names every switch, and every switch as many GPUs")]))
        return all
    }

    /// The nonce of the first device. Throws `malformed_evidence`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        let device = try NVIDIAEvidence(evidence.content).devices[0]
        return try NVIDIAReport(parsing: device.report, allowsTrailingZeros: options.allowsTrailingZeros).nonce
    }

    private func claims(
        of device: NVIDIADevice, from library: inout NVIDIAManifestLibrary, _ revocation: inout NVIDIARevocation
    ) async throws(VerificationError) -> EvidenceClaims {
        // The leaf is made by the device itself whenever it starts with other firmware, so that NVIDIA knows nothing of it.
        let isGood = try await revocation.isGood(device.identity.chain, from: 1)
        var steps = device.steps
        try requireRevocationStatus(isGood, "the device's certificates", &steps)
        var found = try await library.manifests(for: device)
        for index in found.indices {
            guard let manifest = found[index].manifest else { continue }
            found[index].isGood = try await revocation.isGood(manifest.chain, from: 0)
            try requireRevocationStatus(
                found[index].isGood, "the signer of the manifest for \(found[index].need.part.title)", &steps)
        }
        let manifests = found.compactMap(\.manifest)
        let comparison = NVIDIAMeasurementComparison(device.report, with: manifests)
        guard comparison.conflicts.isEmpty else {
            throw VerificationError(
                code: "manifest_conflict",
                message: "The manifests of driver and firmware both describe the registers "
                    + "\(comparison.conflicts.map(String.init).joined(separator: ", ")).")
        }
        guard comparison.mismatches.isEmpty, comparison.matched > 0 || manifests.isEmpty else {
            throw VerificationError(
                code: "measurement_mismatch",
                message: "Of the \(device.identity.chip)'s registers these are others than NVIDIA published, by the "
                    + "manifests' index: \(comparison.mismatches.map(String.init).joined(separator: ", ")).")
        }
        if manifests.isEmpty {
            steps.append(.skipped("measurements", "no manifest is at hand"))
        } else {
            let titles = found.filter { $0.manifest != nil }.map(\.need.part.title).joined(separator: " and ")
            steps.append(.passed("measurements", "\(comparison.matched) registers are those published for \(titles)"))
        }
        for missing in found where missing.manifest == nil && !manifests.isEmpty {
            steps.append(.skipped("measurements", "no manifest for \(missing.need.part.title) is at hand"))
        }
        return EvidenceClaims(
            tee: tee, deviceClass: device.identity.architecture.deviceClass,
            claims: NVIDIAClaimSet(device: device, isGood: isGood, manifests: found).claims,
            matchedReportData: device.matchedReportData, steps: steps,
            chain: device.identity.chain.certificates.map(\.der))
    }

    private func requireRevocationStatus(
        _ isGood: Bool, _ what: String, _ steps: inout [VerificationStep]
    ) throws(VerificationError) {
        guard isGood || !options.requiresRevocationStatus else {
            throw VerificationError(
                code: "revocation_unknown",
                message: "No answer of NVIDIA's OCSP service about \(what) is at hand that counts now.")
        }
        steps.append(
            isGood
                ? .passed("revocation", "NVIDIA's OCSP service answered for \(what)")
                : .skipped("revocation", "no answer of NVIDIA's OCSP service about \(what) is at hand"))
    }

    /// A device that is there twice would count as two, and an identifier that is, belongs to one of them at most.
    private static func requireDistinct(_ devices: [NVIDIADevice]) throws(VerificationError) {
        let uuids = devices.compactMap(\.uuid)
        guard Set(devices.map(\.identity.chain.leaf.publicKeyDER)).count == devices.count,
            Set(devices.map(\.identity.decimalSerial)).count == devices.count, Set(uuids).count == uuids.count
        else {
            throw VerificationError(
                code: "duplicate_device", message: "The evidence has the same NVIDIA device more than once.")
        }
    }

    private func topology(of devices: [NVIDIADevice]) throws(VerificationError) -> NVIDIATopology? {
        do throws(VerificationError) {
            return try NVIDIATopology(devices)
        } catch {
            guard options.requiresTopology else { return nil }
            throw error
        }
    }
}
