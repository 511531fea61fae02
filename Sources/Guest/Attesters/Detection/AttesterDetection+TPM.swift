import RATS

extension AttesterDetection {
    /// A confidential VM of Azure with a processor of this kind, behind its virtual TPM.
    static func azure(_ tee: TEE, _ settings: AttesterSettings) -> AttesterCandidate {
        AttesterCandidate(
            tee, paths: ["a paravisor's report in a TPM"], mount: tpmMount, isBehindTPM: true
        ) { (kernel) throws(GuestError) in
            guard let device = tpm(settings, kernel), let attester = try AzureAttester(device), attester.tee == tee
            else { return nil }
            return attester
        }
    }

    /// A TPM that has an attestation key.
    static func tpm(_ settings: AttesterSettings) -> AttesterCandidate {
        AttesterCandidate(
            .tpm, paths: settings.environment["AA_TPM_DEVICE"].map { [$0] } ?? TPMDevice.usualPaths,
            mount: "\(tpmMount) with an attestation key at a persistent handle", isBehindTPM: true
        ) { (kernel) throws(GuestError) in
            guard let device = tpm(settings, kernel) else { return nil }
            let key: UInt32
            if let text = settings.environment["AA_TPM_AK_HANDLE"] {
                key = try TPMAttester.key(text)
            } else {
                key = TPMAttester.usualKey
            }
            let log = PlatformEventLog(
                kernel: kernel, path: PlatformEventLog.path(of: device), agentEvents: settings.agentEvents)
            let attester = TPMAttester(device, key: key, eventLog: log)
            return try attester.isUsable() ? attester : nil
        }
    }

    private static let tpmMount = "the device \(TPMDevice.usualPaths[0])"

    private static func tpm(_ settings: AttesterSettings, _ kernel: any Kernel) -> TPMDevice? {
        TPMDevice.find(settings.environment["AA_TPM_DEVICE"], kernel: kernel)
    }
}
