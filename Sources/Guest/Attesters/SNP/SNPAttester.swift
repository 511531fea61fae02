import Encodings
import RATS

/// Evidence of AMD SEV-SNP guests: the processor's report, and the certificates that the host hands out.
struct SNPAttester: HardwareAttester {
    let tee = TEE.snp
    let kernel: any Kernel
    /// Waits before the firmware is asked again.
    var pause: @Sendable (Duration) -> Void = SEVGuestDevice.sleep

    /// `{"attestation_report":{…},"cert_chain":[…]|null}` in the form of the sev crate.
    func collect(_ reportData: [UInt8]) throws(GuestError) -> JSONValue {
        let field = try ReportDataField.padded(reportData)
        let (bytes, table) = try report(over: field)
        let report = try SNPReportFields(bytes)
        guard report.reportData == field else {
            throw GuestError(.evidence, "The report that the kernel returned covers other data than was asked for.")
        }
        let certificates = try SNPHostCertificate.list(in: table)
        let chain = certificates.isEmpty ? JSONValue.null : .array(certificates.map(\.json))
        return ["attestation_report": .object(report.json), "cert_chain": chain]
    }

    /// The report and the host's table of certificates, through configfs where it serves this TEE, else through the device.
    private func report(over field: [UInt8]) throws(GuestError) -> (report: [UInt8], table: [UInt8]) {
        let tsm: GuestError
        do throws(GuestError) {
            let blobs = try TSMReport(kernel: kernel).blobs(of: .sevSNP, over: field, privilegeLevel: 0)
            return (blobs.report, blobs.auxiliary)
        } catch {
            tsm = error
        }
        // Who was disturbed does not take another way: somebody should know.
        guard tsm.code == .system else { throw tsm }
        guard kernel.exists(SEVGuestDevice.path) else {
            throw GuestError(
                .system, "\(tsm.message) Neither is there \(SEVGuestDevice.path), the older way to a report.",
                systemError: tsm.systemError)
        }
        return try SEVGuestDevice(kernel: kernel, pause: pause).report(over: field)
    }
}
