import Glibc
import Synchronization

/// Azure's paravisor as a guest meets it: indices and a key in the virtual TPM.
final class Paravisor: Sendable {
    private static let reportIndex: UInt32 = 0x0140_0001
    private static let userDataIndex: UInt32 = 0x0140_0002
    private static let key: UInt32 = 0x8100_0003
    private static let userDataBytes = 64
    /// The paravisor makes a new report in the background after the user data was written.
    private static let patience: Duration = .seconds(15)
    private static let pause: useconds_t = 100_000

    private let device: TPMDevice
    private let turn = Mutex(())

    init(_ device: TPMDevice) {
        self.device = device
    }

    /// A report that was made for the user data, and a quote.
    struct Answer: Sendable {
        let report: HCLReport
        let quote: TPMQuoteAnswer
    }

    /// The kind of report that the paravisor keeps; nil when there is no paravisor, which is so only where the TPM has no
    /// such report. Throws `evidence_failed` when the TPM does not say.
    func kind() throws(GuestError) -> HCLReport.Kind? {
        guard let bytes = try storedReport() else { return nil }
        return (try? HCLReport(parsing: bytes))?.kind
    }

    /// Has the paravisor make a report for this session, and the virtual TPM a quote.
    ///
    /// - Parameter nonce: up to 64 bytes, which go into both.
    func attest(_ nonce: [UInt8]) async throws(GuestError) -> Answer {
        try await HardwareWork.run { () throws(GuestError) in
            // Another's user data would replace ours before the report is read.
            try self.turn.withLock { _ throws(GuestError) in
                let report = try self.freshReport(nonce)
                let quote = try self.device.guestSession { (tpm) throws(TPMError) in
                    try tpm.quote(key: Self.key, area: tpm.publicArea(of: Self.key), nonce: nonce)
                }
                return Answer(report: report, quote: quote)
            }
        }
    }

    private func freshReport(_ nonce: [UInt8]) throws(GuestError) -> HCLReport {
        let userData = nonce + [UInt8](repeating: 0, count: Self.userDataBytes - nonce.count)
        try device.guestSession { (tpm) throws(TPMError) -> Void in
            let known = try tpm.index(Self.userDataIndex)
            let index = if let known { known } else { try tpm.define(Self.userDataIndex, size: Self.userDataBytes) }
            try tpm.write(userData, to: index)
        }
        let end = ContinuousClock.now + Self.patience
        while true {
            let report = try report()
            if report.userData == userData { return report }
            guard ContinuousClock.now < end else {
                throw GuestError(
                    .evidence,
                    report.userData == nil
                        ? "The paravisor of this VM puts no user data into its report: it is too old."
                        : "The paravisor made no report for this session within \(Self.patience).")
            }
            usleep(Self.pause)
        }
    }

    private func report() throws(GuestError) -> HCLReport {
        guard let bytes = try storedReport() else {
            throw GuestError(
                .evidence, "The TPM has no report of a paravisor: this is no confidential VM of Azure.")
        }
        return try HCLReport(parsing: bytes)
    }

    private func storedReport() throws(GuestError) -> [UInt8]? {
        try device.guestSession { (tpm) throws(TPMError) -> [UInt8]? in
            guard let index = try tpm.index(Self.reportIndex) else { return nil }
            return try tpm.read(index)
        }
    }
}
