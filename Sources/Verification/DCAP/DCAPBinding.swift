import RATS

extension EvidenceBinding {
    /// Which candidate fills the 64 bytes that the attester had signed, after checking the field for init-data too.
    ///
    /// - Parameters:
    ///   - reportData: The report data, 64 bytes.
    ///   - configurationID: The field that the host fills with the digest of the init-data.
    ///
    /// Throws `report_data_mismatch` and `init_data_mismatch`.
    func match(
        reportData: ArraySlice<UInt8>, configurationID: ArraySlice<UInt8>, named field: String
    ) throws(VerificationError) -> (candidate: Int, steps: [VerificationStep]) {
        guard let index = candidate(filling: Array(reportData)) else { throw .reportDataMismatch }
        var steps = [VerificationStep.passed("report data", "64 bytes, all compared")]
        guard initDataDigest != nil else {
            return (index, steps + [.skipped("init-data", "the guest sent none")])
        }
        guard initDataDigest(fits: Array(configurationID)) else { throw .initDataMismatch }
        steps.append(.passed("init-data", "its digest is in \(field)"))
        return (index, steps)
    }
}
