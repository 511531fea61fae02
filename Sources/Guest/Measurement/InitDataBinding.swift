import KBSProtocol
import RATS

/// Ties the init-data that the agent was started with to what the hardware measured.
public struct InitDataBinding: Sendable {
    /// How the document is tied.
    public enum Outcome: Sendable, Hashable {
        /// The hardware measured this digest before the guest started.
        case measured
        /// The register that evidence shows now holds it.
        case extended
        /// This TEE has no place for it.
        case unsupported
    }

    /// The register of TPMs for init-data.
    private static let register = 8
    private static let measurement = TDXRegisters.folder + "/mrconfigid"

    private let attester: any Attester
    private let kernel: any Kernel
    private let device: TPMDevice?

    /// The binding of this guest's TEE.
    ///
    /// - Parameter device: the TPM that evidence comes from, where it does.
    public init(_ attester: any Attester, kernel: any Kernel, device: TPMDevice?) {
        self.attester = attester
        self.kernel = kernel
        self.device = device
    }

    /// Compares the digest with MRCONFIGID of TDX (48 bytes) or HOST_DATA of SEV-SNP (32 bytes), filled up with zeros or
    /// cut to that size; extends PCR 8 of a TPM with it, once in a boot.
    ///
    /// - Throws: `GuestError` with `init_data_mismatch` when the hardware measured something else, and with what failed
    ///   when it cannot be asked.
    public func bind(_ digest: [UInt8]) async throws(GuestError) -> Outcome {
        switch attester.tee {
        case .tdx:
            guard Self.fit(digest, to: try await configurationID()) else { throw .initDataMismatch }
            return .measured
        case .snp:
            guard Self.fit(digest, to: try await hostData()) else { throw .initDataMismatch }
            return .measured
        case .tpm, .azSNPvTPM, .azTDXvTPM:
            try await extend(digest)
            return .extended
        default:
            return .unsupported
        }
    }

    private static func fit(_ digest: [UInt8], to field: [UInt8]) -> Bool {
        field == digest.prefix(field.count) + [UInt8](repeating: 0, count: max(0, field.count - digest.count))
    }

    private func configurationID() async throws(GuestError) -> [UInt8] {
        try await HardwareWork.run { () throws(GuestError) in try readConfigurationID() }
    }

    private func readConfigurationID() throws(GuestError) -> [UInt8] {
        guard kernel.exists(Self.measurement) else { return try TDReport.current(of: kernel).configurationID }
        let value = try kernel.read(Self.measurement, limit: 48)
        guard value.count == 48 else {
            throw GuestError(.system, "\(Self.measurement) has \(value.count) bytes, not 48.")
        }
        return value
    }

    /// The field of a report that is made for this.
    private func hostData() async throws(GuestError) -> [UInt8] {
        let evidence = try await attester.evidence(reportData: [UInt8](repeating: 0, count: 64))
        guard let field = evidence["attestation_report"]?["host_data"]?.byteArrayValue, field.count == 32 else {
            throw GuestError(.evidence, "The processor's report shows no host data.")
        }
        return field
    }

    /// Extends the register unless an agent before this one did so; what else is in there was not this document.
    private func extend(_ digest: [UInt8]) async throws(GuestError) {
        guard digest.count == TPM.bankDigestBytes else {
            throw GuestError(
                .initData,
                "A TPM's register takes digests of 32 bytes: write algorithm = \"sha256\" into the init-data.")
        }
        guard let device else { throw GuestError(.evidence, "There is no TPM to extend with the init-data's digest.") }
        let isBound = try await device.run { (tpm) throws(TPMError) in
            let zero = [UInt8](repeating: 0, count: TPM.bankDigestBytes)
            let bound = HashAlgorithm.sha256.digest(of: zero + digest)
            let value = try tpm.register(Self.register)
            guard value == zero else { return value == bound }
            try tpm.extend(Self.register, with: digest)
            return try tpm.register(Self.register) == bound
        }
        guard isBound else {
            throw GuestError(
                .initData,
                GuestError.initDataMismatch.message
                    + " Register 8 of the TPM held something else before, such as a boot loader's command line.")
        }
    }
}

extension GuestError {
    /// The sentence is the reference's.
    fileprivate static let initDataMismatch = GuestError(
        .initData, "The initdata supplied by the parameter is inconsistent with that of the current platform.")
}
