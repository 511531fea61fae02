import RATS

extension ProtocolVersion {
    /// The kinds of evidence that may stand for the guest itself in this version.
    ///
    /// Before 0.4.0 the list must exclude every kind that may also be an attached device: a device's report data in
    /// 0.3.0 and 0.4.0 covers the same document as primary evidence in 0.1.1 and 0.2.0, so a device's evidence could
    /// otherwise be presented as a guest's.
    public var primaryTEEs: Set<TEE> {
        let original: Set<TEE> = [.sample, .snp, .tdx, .sgx, .azSNPvTPM, .azTDXvTPM, .cca, .csv, .sev]
        return self < .v0_4_0 ? original : original.union([.tpm, .hygondcu, .se, .nitro, .svsmVTPM, .pef])
    }

    /// The kinds of evidence that may come beside the primary evidence; none before composite evidence existed.
    public var deviceTEEs: Set<TEE> {
        self < .v0_3_0 ? [] : [.nvidia, .nvidiaDPU, .hygondcu, .tpm, .sampledevice]
    }

    func requirePrimary(_ tee: TEE) throws(KBSProtocolError) {
        guard primaryTEEs.contains(tee) else {
            throw KBSProtocolError(
                code: "tee_not_allowed",
                message: "Evidence of kind \(tee.rawValue) cannot stand for a guest in protocol \(rawValue).")
        }
    }
}
