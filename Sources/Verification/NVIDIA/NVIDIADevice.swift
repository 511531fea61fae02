import FoundationEssentials
import RATS
import X509Trust

/// A device whose report is believed.
struct NVIDIADevice: Sendable {
    let report: NVIDIAReport
    let identity: NVIDIADeviceIdentity
    /// The driver's identifier, which nobody signed.
    let uuid: String?
    let matchedReportData: Int
    /// Whether the certificate names the first firmware that the report names; `nil` where the report names none.
    let matchesFirmwareID: Bool?
    let steps: [VerificationStep]

    /// Verifies binding, chain, signature and firmware identifier, in this order.
    init(
        _ device: NVIDIAEvidence.Device, binding: EvidenceBinding, _ options: NVIDIAVerifier.Options, at date: Date
    ) throws(VerificationError) {
        report = try NVIDIAReport(parsing: device.report, allowsTrailingZeros: options.allowsTrailingZeros)
        guard let index = binding.candidate(fittingShort: report.nonce) else { throw .reportDataMismatch }
        matchedReportData = index
        identity = try NVIDIADeviceIdentity(device, anchors: options.anchors, at: date)
        uuid = device.uuid
        let key = try? identity.chain.leaf.publicKey
        guard key?.isValid(signature: report.signature, over: report.signed, .ecdsaRaw(.sha384)) ?? false else {
            throw .signatureInvalid("the report of the NVIDIA device")
        }
        var steps: [VerificationStep] = [
            .passed("report data", "the nonce is of this session"),
            .passed("certificate chain", "issued under the pinned \(identity.chain.anchor.name)"),
            .passed("report signature", "ECDSA P-384 by \(identity.chain.leaf.subjectCommonName ?? "the device")"),
        ]
        if report.trailingZeros > 0 {
            steps.append(.skipped("end of the report", "\(report.trailingZeros) zero bytes follow, as settings let in"))
        }
        matchesFirmwareID = try Self.firmwareMatch(report, identity, options, &steps)
        self.steps = steps
    }

    private static func firmwareMatch(
        _ report: NVIDIAReport, _ identity: NVIDIADeviceIdentity, _ options: NVIDIAVerifier.Options,
        _ steps: inout [VerificationStep]
    ) throws(VerificationError) -> Bool? {
        guard let stated = report.opaque[.firmwareID] else {
            let isSwitch = identity.architecture == .ls10
            guard isSwitch || options.allowsMissingFirmwareID else {
                throw VerificationError(
                    code: "firmware_id_missing",
                    message: "The report does not state the digest of the GPU's first firmware: its driver is too old.")
            }
            steps.append(
                .skipped(
                    "first firmware",
                    isSwitch ? "switches do not state its digest" : "the report does not state its digest"))
            return nil
        }
        guard identity.firmwareID == stated else {
            throw VerificationError(
                code: "firmware_id_mismatch",
                message: "The device's certificate is for other firmware than the one that the report states.")
        }
        steps.append(.passed("first firmware", "the certificate names the digest that the report states"))
        return true
    }
}
