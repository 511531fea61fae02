public import Encodings
public import RATS

/// Collects evidence of confidential VMs on Azure, with AMD SEV-SNP or Intel TDX, through their virtual TPM: version 2 of
/// the evidence, in which the processor's report is made for the session.
public struct AzureAttester: Attester {
    /// Where every VM of Azure finds its metadata service.
    public static let usualMetadata = "http://169.254.169.254"
    private static let maximumReportData = 64

    /// ``RATS/TEE/azSNPvTPM`` or ``RATS/TEE/azTDXvTPM``, as the paravisor's report says.
    public let tee: TEE
    private let paravisor: Paravisor
    private let metadata: AzureMetadata

    /// An attester for the VM whose virtual TPM this is; nil when it is none of Azure's confidential VMs.
    ///
    /// - Parameter metadata: where the metadata service is.
    /// - Throws: `GuestError` with `evidence_failed` when the TPM does not say what it is, or no client for that service
    ///   can be made.
    public init?(_ device: TPMDevice, metadata: String = usualMetadata) throws(GuestError) {
        paravisor = Paravisor(device)
        switch try paravisor.kind() {
        case .snp: tee = .azSNPvTPM
        case .tdx: tee = .azTDXvTPM
        case nil: return nil
        }
        self.metadata = try AzureMetadata(metadata)
    }

    /// Evidence whose quote has the report data as its nonce, exactly as given, and whose processor's report has it too.
    ///
    /// - Throws: `GuestError` with `invalid_request` for no report data or more than 64 bytes, and with `evidence_failed`.
    public func evidence(reportData: [UInt8]) async throws(GuestError) -> JSONValue {
        guard (1...Self.maximumReportData).contains(reportData.count) else {
            throw GuestError(
                .invalidRequest, "Evidence of Azure covers 1 to \(Self.maximumReportData) bytes of report data.")
        }
        let answer = try await paravisor.attest(reportData)
        guard let signature = answer.quote.rsassaSignature else {
            throw GuestError(.evidence, "The virtual TPM's key does not sign with RSASSA.")
        }
        return [
            "version": 2,
            "tpm_quote": [
                "signature": .string(Hex.encode(signature)), "message": .string(Hex.encode(answer.quote.message)),
                "pcrs": .array(answer.quote.registers.map { .string(Hex.encode($0)) }),
            ],
            "hcl_report": .string(Self.filled(answer.report.bytes)),
            tee == .azSNPvTPM ? "vcek" : "td_quote": .string(Self.filled(try await hardware(answer.report))),
        ]
    }

    /// The certificate of the processor's key, or the quote about its report.
    private func hardware(_ report: HCLReport) async throws(GuestError) -> [UInt8] {
        switch report.kind {
        case .snp: try await metadata.endorsementKey()
        case .tdx: try await metadata.quote(report.tdReport)
        }
    }

    /// Base64url filled up with `=`, as guests of the reference send it.
    private static func filled(_ bytes: [UInt8]) -> String {
        let text = Base64.encodeURL(bytes)
        return text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4)
    }
}
