import Encodings
import Testing

@testable import Measurement

/// One of the published cases of launch digests.
struct LaunchCase: Sendable, CustomTestStringConvertible {
    let mode: String
    let firmware: String
    let serviceModule: String?
    let variableStoreSize: Int
    let processors: Int
    let model: String?
    let hypervisor: Hypervisor
    let features: UInt64
    let commandLine: String?
    let seed: [UInt8]?
    /// Nil for what must be refused.
    let expected: [UInt8]?

    var testDescription: String { "\(mode) \(firmware) \(processors) \(hypervisor) \(features) \(commandLine ?? "-")" }

    static let all: [LaunchCase] = {
        let cases = (try? Vectors.json("snp-measure/cases.json"))?.arrayValue ?? []
        return cases.compactMap { try? LaunchCase($0) }
    }()

    init(_ value: JSONValue) throws {
        mode = try value.text("mode")
        firmware = try value.text("firmware")
        serviceModule = value["svsm"]?.stringValue
        variableStoreSize = Int(value["vars_size"]?.intValue ?? 0)
        processors = try Int(#require(value["vcpus"]?.intValue))
        model = value["vcpu_type"]?.stringValue
        hypervisor = try #require(Hypervisor(rawValue: (value["vmm"]?.stringValue ?? "qemu").lowercased()))
        features = try UInt64(#require(value["guest_features"]?.intValue))
        commandLine = value["kernel"]?.stringValue == nil ? nil : value["append"]?.stringValue
        seed = try value["ovmf_hash_seed"]?.stringValue.map { try Hex.decode($0) }
        expected = try value["expected"]?.stringValue.map { try Hex.decode($0) }
    }

    func image() throws -> FirmwareImage {
        let path = "snp-measure/\(firmware)"
        return try FirmwareImage(firmware.hasSuffix(".gz") ? Vectors.unpacked(path) : Vectors.bytes(path))
    }

    func kernel() throws -> KernelHashes? {
        try commandLine.map { try KernelHashes(kernel: MemoryArtifact([]), initrd: nil, commandLine: $0) }
    }

    func virtualProcessors() throws -> VirtualProcessors {
        try VirtualProcessors(
            count: processors, model: model.map { try #require(ProcessorModel(name: $0)) }, hypervisor: hypervisor)
    }

    func measurement(seed: [UInt8]? = nil) throws -> [UInt8] {
        switch mode {
        case "snp":
            return try SNPLaunch(
                .firmware(image(), kernel()), processors: virtualProcessors(), features: features
            ).measurement(firmwareDigest: seed)
        case "snp:svsm":
            let module = try ServiceModule(
                Vectors.unpacked("snp-measure/\(#require(serviceModule))"), below: image(),
                variableStoreSize: variableStoreSize)
            return try SNPLaunch(
                .serviceModule(module), processors: virtualProcessors(), features: features
            ).measurement(firmwareDigest: seed)
        case "seves":
            return try SEVLaunch(image(), kernel: kernel(), registers: .processors(virtualProcessors())).digest()
        default:
            return try SEVLaunch(image(), kernel: kernel(), registers: .unmeasured).digest()
        }
    }
}

@Suite("launch measurements of SEV, SEV-ES and SEV-SNP")
struct SNPLaunchTests {
    @Test("no published case is left out")
    func complete() throws {
        #expect(try LaunchCase.all.count == Vectors.json("snp-measure/cases.json").arrayValue?.count)
        #expect(LaunchCase.all.count == 22)
        #expect(LaunchCase.all.count { $0.expected == nil } == 2)
    }

    @Test("every published case gives its digest, or is refused", arguments: LaunchCase.all)
    func published(_ launch: LaunchCase) throws {
        guard let expected = launch.expected else {
            let error = #expect(throws: MeasurementError.self) { try launch.measurement() }
            #expect(error?.code == .unsupportedFirmware)
            return
        }
        #expect(try Hex.encode(launch.measurement()) == Hex.encode(expected))
    }

    @Test("the digest of the firmware alone can stand for all but its end")
    func seeds() throws {
        for launch in LaunchCase.all {
            guard let seed = launch.seed else { continue }
            #expect(try SNPLaunch.firmwareDigest(of: launch.image()) == seed)
            #expect(try launch.measurement(seed: seed) == launch.expected)
        }
        let launch = try #require(LaunchCase.all.first)
        #expect(throws: MeasurementError.self) { try launch.measurement(seed: [1, 2, 3]) }
    }

    @Test("every input changes the measurement")
    func inputs() throws {
        let image = try FirmwareImage(Vectors.bytes("snp-measure/ovmf_AmdSev_suffix.bin"))
        func measurement(
            kernel: [UInt8] = [], initrd: [UInt8] = [], commandLine: String = "", model: String = "EPYC-Milan",
            count: Int = 2, features: UInt64 = 1, hypervisor: Hypervisor = .qemu
        ) throws -> [UInt8] {
            let hashes = try KernelHashes(
                kernel: MemoryArtifact(kernel), initrd: MemoryArtifact(initrd), commandLine: commandLine)
            return try SNPLaunch(
                .firmware(image, hashes),
                processors: VirtualProcessors(
                    count: count, model: ProcessorModel(name: model), hypervisor: hypervisor), features: features
            ).measurement()
        }
        let all = try [
            measurement(), measurement(kernel: [1]), measurement(initrd: [1]), measurement(commandLine: "1"),
            measurement(model: "EPYC-Genoa"), measurement(count: 1), measurement(count: 3), measurement(features: 0x21),
            measurement(hypervisor: .ec2), measurement(hypervisor: .gce),
        ]
        #expect(Set(all).count == all.count)
        #expect(try measurement(model: "EPYC-Milan-v2") == measurement())
    }

    @Test("models are known by name and by numbers")
    func models() {
        #expect(ProcessorModel(name: "EPYC-v4")?.signature == 0x0080_0F12)
        #expect(ProcessorModel(name: "EPYC-Rome")?.signature == 0x0083_0F10)
        #expect(ProcessorModel(name: "EPYC-Milan")?.signature == 0x00A0_0F11)
        #expect(ProcessorModel(name: "EPYC-Genoa-v1")?.signature == 0x00A1_0F10)
        #expect(ProcessorModel(name: "EPYC-Turin")?.signature == 0x00B0_0F00)
        #expect(ProcessorModel(family: 25, model: 1, stepping: 1) == ProcessorModel(name: "EPYC-Milan"))
        #expect(ProcessorModel(family: 6, model: 0x8F, stepping: 8)?.signature == 0x0008_06F8)
        for name in ["", "EPYC-v", "EPYC-v0", "EPYC-v10", "epyc", "EPYC-Milan-", "-v1", "Skylake"] {
            #expect(ProcessorModel(name: name) == nil, "\(name)")
        }
        #expect(ProcessorModel(family: 271, model: 0, stepping: 0) == nil)
        #expect(ProcessorModel(family: 6, model: 256, stepping: 0) == nil)
        #expect(ProcessorModel(family: 6, model: 0, stepping: 16) == nil)
    }

    @Test("impossible guests are refused")
    func impossible() throws {
        let milan = ProcessorModel(name: "EPYC-Milan")
        #expect(
            failure { () throws(MeasurementError) in try VirtualProcessors(count: 0, model: milan) } == .invalidInput)
        #expect(
            failure { () throws(MeasurementError) in try VirtualProcessors(count: 4097, model: milan) } == .invalidInput
        )
        #expect(failure { () throws(MeasurementError) in try VirtualProcessors(count: 1, model: nil) } == .invalidInput)
        let image = try FirmwareImage(Vectors.bytes("snp-measure/ovmf_AmdSev_suffix.bin"))
        let one = try VirtualProcessors(count: 1, model: milan)
        #expect(
            failure { () throws(MeasurementError) in
                try SNPLaunch(.firmware(image, nil), processors: one, features: 0x20)
            }
                == .invalidInput)
        #expect(
            failure { () throws(MeasurementError) in
                try KernelHashes(kernel: MemoryArtifact([]), initrd: nil, commandLine: "a\0b")
            } == .invalidInput)
        let bare = try FirmwareImage([UInt8](repeating: 0, count: 4096))
        #expect(
            failure { () throws(MeasurementError) in
                try SNPLaunch(.firmware(bare, nil), processors: one).measurement()
            } == .unsupportedFirmware)
        #expect(
            failure { () throws(MeasurementError) in
                try SEVLaunch(bare, kernel: nil, registers: .recorded([[1, 2]])).digest()
            } == .invalidInput)
    }
}
