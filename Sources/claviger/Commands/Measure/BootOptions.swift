import ArgumentParser
import Encodings
import Measurement

/// The kernel that firmware starts without a disk.
struct BootOptions: ParsableArguments {
    @Option(help: "The kernel that is started directly.")
    var kernel: String?

    @Option(help: "The initrd that goes with --kernel.")
    var initrd: String?

    @Option(help: "The kernel's command line, exactly as after QEMU's -append.")
    var cmdline: String?

    func validate() throws {
        if kernel == nil, initrd != nil || cmdline != nil {
            throw ValidationError("--initrd and --cmdline go with --kernel")
        }
    }

    /// The hashes that a firmware for SEV looks at; nil when a disk is booted.
    func hashes(_ report: inout MeasureReport) throws -> KernelHashes? {
        guard let files = try open(&report) else { return nil }
        return try KernelHashes(kernel: files.kernel, initrd: files.initrd, commandLine: cmdline ?? "")
    }

    /// The files; nil when a disk is booted.
    func open(_ report: inout MeasureReport) throws -> (kernel: FileArtifact, initrd: FileArtifact?)? {
        guard let kernel else { return nil }
        let file = try report.open(kernel, as: "kernel")
        let initrd = try initrd.map { try report.open($0, as: "initrd") }
        report.settings.append("command line '\(cmdline ?? "")'")
        return (file, initrd)
    }
}

/// The firmware that a guest begins with.
struct FirmwareOptions: ParsableArguments {
    @Option(help: "The firmware: OVMF or another image of its form.")
    var firmware: String

    func image(_ report: inout MeasureReport) throws -> FirmwareImage {
        try FirmwareImage(report.read(firmware, as: "firmware", limit: FirmwareImage.maximumSize))
    }
}

extension Hypervisor: ExpressibleByArgument {}

/// The processors of a guest.
struct ProcessorOptions: ParsableArguments {
    @Option(help: "How many virtual processors the guest starts with.")
    var vcpus = 1

    @Option(help: "The processors' model, as after QEMU's -cpu: \(ProcessorModel.names.joined(separator: ", ")).")
    var vcpuType: String?

    @Option(help: "The processors' signature instead of a model: EAX of CPUID function 1, such as 0xa00f11.")
    var vcpuSignature: NumberArgument?

    @Option(help: "Who starts the guest.")
    var vmm: Hypervisor = .qemu

    func validate() throws {
        if vcpuType != nil, vcpuSignature != nil {
            throw ValidationError("give either --vcpu-type or --vcpu-signature")
        }
        if let vcpuType, ProcessorModel(name: vcpuType) == nil {
            throw ValidationError("there is no model \(vcpuType); give --vcpu-signature for others")
        }
        if let vcpuSignature, vcpuSignature.value > UInt32.max {
            throw ValidationError("--vcpu-signature has 32 bits")
        }
    }

    func processors(_ report: inout MeasureReport) throws -> VirtualProcessors {
        let named = vcpuType.flatMap(ProcessorModel.init(name:))
        let model = named ?? vcpuSignature.map { ProcessorModel(signature: UInt32(truncatingIfNeeded: $0.value)) }
        let processors = try VirtualProcessors(count: vcpus, model: model, hypervisor: vmm)
        let kind = vmm.measuresProcessorModel ? " of \(vcpuType ?? vcpuSignature?.value.hexadecimal ?? "")" : ""
        report.settings.append("\(vcpus) virtual \(vcpus == 1 ? "processor" : "processors")\(kind) on \(vmm.rawValue)")
        return processors
    }
}
