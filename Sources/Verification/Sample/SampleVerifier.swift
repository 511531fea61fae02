import Encodings
public import RATS

/// Believes evidence that comes from no hardware, so that everything else can be tried without any.
///
/// Anybody can make such evidence. It belongs into a registry only where somebody switched it on.
public struct SampleVerifier: EvidenceVerifier {
    /// The kind `sample`.
    public let tee: TEE = .sample

    /// A verifier.
    public init() {}

    /// Checks the binding and returns the fixed claims of the kind `sample`; `report_data` and `init_data` are base64.
    ///
    /// Throws `malformed_evidence` and `report_data_mismatch`.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let sample = try SampleEvidence(evidence.content, binding: binding)
        var claims: JSONObject = [
            "debug": false,
            "launch_digest": "abcde",
            "platform_version": ["major": 1, "minor": 4],
            "report_data": .string(sample.reportDataText),
            "svn": .string(sample.svn),
        ]
        if let digest = binding.initDataDigest { claims["init_data"] = .string(Base64.encode(digest)) }
        return [EvidenceClaims(tee: tee, claims: claims, matchedReportData: sample.matchedReportData)]
    }

    /// The decoded report data. Throws `malformed_evidence`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        try SampleEvidence.reportData(evidence.content).bytes
    }
}

/// The counterpart of ``SampleVerifier`` for a device that does not exist.
public struct SampleDeviceVerifier: EvidenceVerifier {
    /// The kind `sampledevice`.
    public let tee: TEE = .sampledevice

    /// A verifier.
    public init() {}

    /// Checks the binding and returns the claims `svn` and `report_data` (base64).
    ///
    /// Throws `malformed_evidence` and `report_data_mismatch`.
    public func verify(
        _ evidence: Evidence, binding: EvidenceBinding, context: VerificationContext
    ) async throws(VerificationError) -> [EvidenceClaims] {
        let sample = try SampleEvidence(evidence.content, binding: binding)
        let claims: JSONObject = [
            "report_data": .string(sample.reportDataText), "svn": .string(sample.svn),
        ]
        return [EvidenceClaims(tee: tee, claims: claims, matchedReportData: sample.matchedReportData)]
    }

    /// The decoded report data. Throws `malformed_evidence`.
    public func statedReportData(in evidence: Evidence) throws(VerificationError) -> [UInt8] {
        try SampleEvidence.reportData(evidence.content).bytes
    }
}
