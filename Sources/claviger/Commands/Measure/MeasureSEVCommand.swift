import ArgumentParser
import Encodings
import Measurement

struct MeasureSEVCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sev", abstract: "The launch digest of an AMD SEV guest.",
        discussion: "Of SEV without SEV-ES, which measures no registers: the host can start such a guest anywhere.")

    @OptionGroup var firmware: FirmwareOptions
    @OptionGroup var boot: BootOptions
    @OptionGroup var output: MeasureOutputOptions

    func run() throws { try output.print(report(), command: "sev") }

    func report() throws -> MeasureReport {
        var report = MeasureReport()
        let image = try firmware.image(&report)
        let digest = try SEVLaunch(image, kernel: boot.hashes(&report), registers: .unmeasured).digest()
        report.values = [.init("sev_launch_digest", digest, "launch digest of SEV")]
        return report
    }
}

struct MeasureSEVESCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sev-es", abstract: "The launch digest of an AMD SEV-ES guest.",
        discussion: """
            The processors' registers are those that the hypervisor sets, or with --vmsa pages that were recorded on a \
            host: one file for the first processor and one for all others.
            """)

    @OptionGroup var firmware: FirmwareOptions
    @OptionGroup var boot: BootOptions
    @OptionGroup var processors: ProcessorOptions

    @Option(help: "A file with the registers of the first processor, and again for those of the others.")
    var vmsa: [String] = []

    @OptionGroup var output: MeasureOutputOptions

    func validate() throws {
        if vmsa.count > 2 { throw ValidationError("--vmsa is given once or twice") }
        if !vmsa.isEmpty, processors.vcpuType != nil || processors.vcpuSignature != nil {
            throw ValidationError("with --vmsa the registers tell the model of the processors")
        }
        if !(1...VirtualProcessors.maximumCount).contains(processors.vcpus) {
            throw ValidationError("--vcpus is 1 to \(VirtualProcessors.maximumCount)")
        }
    }

    func run() throws { try output.print(report(), command: "sev-es") }

    func report() throws -> MeasureReport {
        var report = MeasureReport()
        let image = try firmware.image(&report)
        let kernel = try boot.hashes(&report)
        let digest = try SEVLaunch(image, kernel: kernel, registers: registers(&report)).digest()
        report.values = [.init("sev_es_launch_digest", digest, "launch digest of SEV-ES")]
        return report
    }

    private func registers(_ report: inout MeasureReport) throws -> SEVLaunch.Registers {
        guard let first = vmsa.first else { return .processors(try processors.processors(&report)) }
        var pages = [try report.read(first, as: "first registers", limit: 4096)]
        if processors.vcpus > 1 {
            let other = try vmsa.dropFirst().first.map {
                try report.read($0, as: "other registers", limit: 4096)
            }
            pages += Array(repeating: other ?? pages[0], count: processors.vcpus - 1)
        }
        report.settings.append("\(processors.vcpus) virtual processors with recorded registers")
        return .recorded(pages)
    }
}
