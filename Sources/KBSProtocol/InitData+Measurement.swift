import Crypto
public import RATS

/// Where hardware keeps the digest of an init-data document, and what stands there.
public struct InitDataMeasurement: Sendable, Hashable {
    /// The field or register, as its specification calls it.
    public let field: String
    /// Its bytes when the guest was started with the document.
    public let value: [UInt8]
}

extension InitData {
    /// What a guest of this kind shows when it was started with this document; nil for kinds that measure none, and where
    /// the digest does not fit.
    ///
    /// Fields of a fixed size hold the digest filled up with zero bytes, or its beginning: HOST_DATA of SEV-SNP 32 bytes,
    /// MRCONFIGID of TDX 48, the personalization value of CCA 64, the user data of Secure Execution 256. A TPM, also that of
    /// an Azure guest, has PCR 8 of its SHA-256 bank extended with the digest, which therefore must have 32 bytes.
    public func measurement(on tee: TEE) -> InitDataMeasurement? {
        switch tee {
        case .snp: fixed("HOST_DATA", 32)
        case .tdx: fixed("MRCONFIGID", 48)
        case .cca: fixed("personalization value", 64)
        case .se: fixed("user data", 256)
        case .tpm, .azSNPvTPM, .azTDXvTPM, .svsmVTPM, .pef:
            digest.count == 32
                ? InitDataMeasurement(
                    field: "PCR 8 (SHA-256)",
                    value: Array(SHA256.hash(data: [UInt8](repeating: 0, count: 32) + digest)))
                : nil
        default: nil
        }
    }

    private func fixed(_ field: String, _ size: Int) -> InitDataMeasurement {
        let padding = [UInt8](repeating: 0, count: max(0, size - digest.count))
        return InitDataMeasurement(field: field, value: digest.prefix(size) + padding)
    }
}
