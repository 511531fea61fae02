import Encodings
import Testing

@testable import Measurement

@Suite("measurements of TDX")
struct TDXMeasurementTests {
    private let expected: JSONValue

    init() throws { expected = try Vectors.json("tdx/expected.json") }

    /// A whole OVMF: the room for variables, which is not measured, and the published code.
    private func firmware() throws -> FirmwareImage {
        try FirmwareImage([UInt8](repeating: 0, count: 540_672) + Vectors.unpacked("snp-measure/svsm_ovmf.fd.gz"))
    }

    @Test("MRTD of a whole OVMF, in both orders in which pages are measured", arguments: TDXLaunch.Order.allCases)
    func launch(order: TDXLaunch.Order) throws {
        let orders = try #require(expected["mr_td"])
        #expect(try TDXLaunch(firmware(), order: order).measurement() == orders.hex(order.rawValue))
    }

    @Test("variables are not part of MRTD, code is")
    func content() throws {
        let original = try firmware()
        let digest = try TDXLaunch(original).measurement()
        var changed = original.bytes
        changed[100] ^= 1
        #expect(try TDXLaunch(FirmwareImage(changed)).measurement() == digest)
        changed[1_000_000] ^= 1
        #expect(try TDXLaunch(FirmwareImage(changed)).measurement() != digest)
    }

    @Test("the end of a firmware, or one without metadata, has no MRTD")
    func incomplete() throws {
        let suffix = try FirmwareImage(Vectors.bytes("snp-measure/ovmf_AmdSev_suffix.bin"))
        #expect(failure { () throws(MeasurementError) in try TDXLaunch(suffix).measurement() } == .malformedFirmware)
        let bare = try FirmwareImage([UInt8](repeating: 0, count: 4096))
        #expect(failure { () throws(MeasurementError) in try TDXLaunch(bare).measurement() } == .unsupportedFirmware)
    }

    @Test("td-shim's published digest of a command line")
    func shim() throws {
        let published = try #require(Vectors.json("tdx-measure/cases.json")["tdshim_cmdline"])
        #expect(
            try TDXDirectBoot.shimCommandLineDigest(published.text("cmdline")) == published.hex("sha384"))
        let long = String(repeating: "x", count: 4096)
        #expect(failure { () throws(MeasurementError) in try TDXDirectBoot.shimCommandLineDigest(long) } == .tooLarge)
    }

    @Test("the registers of a real boot follow from the digests in its log")
    func recordedBoot() throws {
        let log = try Vectors.json("tdx/log-ovmf.json")
        let boot = try TDXDirectBoot(
            kernelDigest: log.hex("kernel"), optionsDigest: log.hex("options"), initrdDigest: log.hex("initrd"))
        #expect(try boot.register1(hasSeparator: false) == log.hex("rtmr_1"))
        #expect(try boot.register2() == log.hex("rtmr_2"))
    }

    @Test("the registers of a boot follow from kernel, initrd and command line")
    func directBoot() throws {
        let placement = try QEMUKernelPlacement(memory: UInt64(#require(expected["memory"]?.intValue)))
        let boot = try TDXDirectBoot(
            kernel: Vectors.artifact("tdx/bzImage"), initrd: Vectors.artifact("tdx/initrd"),
            commandLine: expected.text("cmdline"), placement: placement)
        #expect(try boot.kernelDigest == expected.hex("kernel"))
        #expect(try boot.optionsDigest == expected.hex("options"))
        #expect(try boot.register1(hasSeparator: false) == expected.hex("rtmr_1"))
        #expect(try boot.register1(hasSeparator: true) == expected.hex("rtmr_1_separator"))
        #expect(try boot.register2() == expected.hex("rtmr_2"))
        let unchanged = try TDXDirectBoot(
            kernel: Vectors.artifact("tdx/bzImage"), initrd: nil, commandLine: "", placement: nil)
        #expect(try unchanged.kernelDigest == expected.hex("kernel_unpatched"))
        #expect(unchanged.initrdDigest == nil && unchanged.optionsDigest != boot.optionsDigest)
    }

    @Test("a kernel that QEMU would not start like this is refused")
    func kernels() throws {
        let placement = try QEMUKernelPlacement(memory: 1 << 30)
        func code(_ change: (inout [UInt8]) -> Void, initrdSize: Int = 0) throws -> MeasurementError.Code? {
            var kernel = try Vectors.bytes("tdx/bzImage")
            change(&kernel)
            return failure { () throws(MeasurementError) in
                try placement.patched(MemoryArtifact(kernel), initrdSize: initrdSize)
            }
        }
        #expect(try code { _ in } == nil)
        #expect(try code { $0[0x202] = 0 } == .malformedImage)
        #expect(try code { $0[0x207] = 1 } == .unsupportedImage)
        #expect(try code { $0[0x211] = 0 } == .unsupportedImage)
        #expect(try code { $0.removeLast($0.count - 600) } == .malformedImage)
        #expect(try code({ _ in }, initrdSize: 1 << 31) == .invalidInput)
        for memory in [0, 1 << 20, UInt64.max] {
            #expect(
                failure { () throws(MeasurementError) in try QEMUKernelPlacement(memory: memory) } == .invalidInput)
        }
    }
}
