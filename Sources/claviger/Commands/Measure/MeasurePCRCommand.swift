import ArgumentParser
import Encodings
import Measurement
import Verification

extension RegisterHash: ExpressibleByArgument {}

struct MeasurePCRCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pcr", abstract: "PCRs of a TPM: PCR 11 of a unified kernel image, others of an event log.",
        discussion: """
            --uki computes what systemd's stub measures of an image into PCR 11, and with --phase what systemd adds while it \
            starts: enter-initrd, leave-initrd, sysinit, ready, in this order, as far as they have come when evidence is \
            made. --event-log computes the registers again of the log of a boot that you trust \
            (/sys/kernel/security/tpm0/binary_bios_measurements).
            """)

    @Option(help: "A unified kernel image.")
    var uki: String?

    @Option(help: "A phase that systemd has measured; may be given again.")
    var phase: [String] = []

    @Option(help: "The event log of a boot that you trust.")
    var eventLog: String?

    @Option(help: "Which PCR to take of the event log; may be given again.")
    var pcr: [UInt32] = []

    @Option(help: "The bank of the registers.")
    var bank: RegisterHash = .sha256

    @Option(help: "What the values' names begin with: tpm, or snp and tdx for guests on Azure.")
    var prefix = "tpm"

    @OptionGroup var output: MeasureOutputOptions

    func validate() throws {
        guard (uki == nil) != (eventLog == nil) else { throw ValidationError("give either --uki or --event-log") }
        if uki == nil, !phase.isEmpty { throw ValidationError("--phase goes with --uki") }
        if eventLog != nil, pcr.isEmpty { throw ValidationError("--event-log goes with --pcr") }
        if uki != nil, !pcr.isEmpty { throw ValidationError("--uki gives PCR 11: leave --pcr out") }
        if pcr.contains(where: { $0 > 23 }) { throw ValidationError("--pcr is 0 to 23") }
        if Set(pcr).count != pcr.count { throw ValidationError("a --pcr is given twice") }
    }

    func run() throws { try output.print(report(), command: "pcr") }

    func report() throws -> MeasureReport {
        var report = MeasureReport()
        report.settings = ["bank \(bank.rawValue)"]
        if let uki {
            let image = try UnifiedKernelImage(report.open(uki, as: "unified kernel image"))
            let value = try image.pcr11(bank, phases: phase)
            let phases = phase.isEmpty ? "before systemd's phases" : "after \(phase.joined(separator: ", "))"
            report.values = [.init("\(prefix)_pcr11", value, "PCR 11 \(phases)")]
            report.settings.append("sections \(image.measuredNames.joined(separator: " "))")
        }
        if let eventLog {
            let log = try RecordedLog(report.read(eventLog, as: "event log", limit: EventLog.maximumSize), eventLog)
            report.values = try pcr.map { index in
                .init(
                    "\(prefix)_pcr\(Self.padded(index))", try log.register(index, in: bank.logged),
                    "PCR \(index) after the log's events")
            }
        }
        return report
    }

    /// Claims have two digits: `pcr04`.
    private static func padded(_ index: UInt32) -> String { index < 10 ? "0\(index)" : String(index) }
}

extension RegisterHash {
    /// The same algorithm as event logs name it.
    fileprivate var logged: TCGHash {
        switch self {
        case .sha256: .sha256
        case .sha384: .sha384
        case .sha512: .sha512
        }
    }
}
