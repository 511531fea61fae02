import ArgumentParser
import Encodings
import Measurement
import RATS
import Verification

extension TDXLaunch.Order: ExpressibleByArgument {}

struct MeasureTDXCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tdx", abstract: "MRTD and RTMRs of an Intel TDX guest.",
        discussion: """
            --firmware gives MRTD. The registers depend on how firmware and boot loader behave: --event-log takes them from \
            the log of a boot that you trust (/sys/firmware/acpi/tables/data/CCEL); --kernel computes RTMR 1 and 2 of a \
            kernel that OVMF starts without a disk.
            """)

    @Option(help: "The firmware: OVMF or another image of its form.")
    var firmware: String?

    @Option(help: "In which order the hypervisor measures a section: page by page, or section by section.")
    var order: TDXLaunch.Order = .pageByPage

    @OptionGroup var boot: BootOptions

    @Option(
        help: "The guest's memory, such as 2G: QEMU writes addresses into the kernel. Not given: nothing is written.")
    var memory: MemoryArgument?

    @Flag(help: "The firmware marks in RTMR 1 that it hands over to an operating system.")
    var separator = false

    @Option(help: "The command line of a guest whose firmware is td-shim, which logs a digest of it in its own form.")
    var tdShimCmdline: String?

    @Option(help: "The event log of a boot that you trust.")
    var eventLog: String?

    @OptionGroup var output: MeasureOutputOptions

    func validate() throws {
        guard firmware != nil || boot.kernel != nil || eventLog != nil || tdShimCmdline != nil else {
            throw ValidationError("give --firmware, --kernel, --event-log or --td-shim-cmdline")
        }
        if boot.kernel != nil, eventLog != nil {
            throw ValidationError("the registers come either from --kernel or from --event-log")
        }
        if boot.kernel == nil, memory != nil || separator {
            throw ValidationError("--memory and --separator go with --kernel")
        }
    }

    func run() throws { try output.print(report(), command: "tdx") }

    func report() throws -> MeasureReport {
        var report = MeasureReport()
        if let firmware {
            let image = try FirmwareImage(
                report.read(firmware, as: "firmware", limit: FirmwareImage.maximumSize))
            let measurement = try TDXLaunch(image, order: order).measurement()
            report.values.append(
                .init("mr_td", measurement, "MRTD of TDX, measured \(order.rawValue) by \(order.rawValue)"))
        }
        if let eventLog { try addRegisters(of: eventLog, to: &report) }
        try addBoot(to: &report)
        if let tdShimCmdline {
            report.values.append(
                .init(
                    "td_payload_info", try TDXDirectBoot.shimCommandLineDigest(tdShimCmdline),
                    "digest in td-shim's event log of the command line '\(tdShimCmdline)'", isSingle: true))
        }
        return report
    }

    private func addBoot(to report: inout MeasureReport) throws {
        guard let files = try boot.open(&report) else { return }
        let placement = try memory.map { try QEMUKernelPlacement(memory: $0.bytes) }
        let direct = try TDXDirectBoot(
            kernel: files.kernel, initrd: files.initrd, commandLine: boot.cmdline ?? "", placement: placement)
        report.settings.append(
            memory.map { "kernel placed by QEMU in \($0.bytes) bytes of memory" } ?? "kernel unchanged")
        if separator { report.settings.append("with a separator in RTMR 1") }
        report.values += [
            .init("rtmr_1", direct.register1(hasSeparator: separator), "RTMR 1 of a kernel started by OVMF"),
            .init("rtmr_2", direct.register2(), "RTMR 2 of a kernel started by OVMF"),
            .init("tdvfkernel", direct.kernelDigest, "digest of the kernel in the event log", isSingle: true),
            .init(
                "tdvfkernelparams", direct.optionsDigest, "digest of the command line in the event log", isSingle: true),
        ]
    }

    private func addRegisters(of path: String, to report: inout MeasureReport) throws {
        let log = try RecordedLog(report.read(path, as: "event log", limit: EventLog.maximumSize), path)
        for index in UInt32(1)...4 {
            report.values.append(
                .init(
                    "rtmr_\(index - 1)", try log.register(index, in: .sha384),
                    "RTMR \(index - 1) after the log's events"))
        }
    }
}

/// An event log in a file, whose registers are computed again.
struct RecordedLog {
    private let log: EventLog

    init(_ bytes: [UInt8], _ path: String) throws {
        do throws(VerificationError) {
            log = try EventLog.parse(bytes)
        } catch {
            throw CommandFailure("\(path) is no event log that can be relied on: \(error.message)")
        }
    }

    func register(_ index: UInt32, in bank: TCGHash) throws -> [UInt8] {
        do throws(VerificationError) {
            return try log.register(index, in: bank, startupLocality: index == 0 ? log.startupLocality : 0)
        } catch {
            throw CommandFailure(error.message)
        }
    }
}
