import Crypto
import Encodings
import Synchronization
import TestInput
import Testing

@testable import Measurement

@Suite("artefacts that are large or hostile")
struct HostileArtifactTests {
    /// So many zeros that nobody holds them; it remembers how many were asked for at once.
    private final class Zeros: Artifact {
        let size: Int
        let largestPiece = Mutex(0)

        init(size: Int) { self.size = size }

        func bytes(in range: Range<Int>) -> [UInt8] {
            largestPiece.withLock { $0 = max($0, range.count) }
            return [UInt8](repeating: 0, count: range.count)
        }
    }

    @Test("an initrd of 1 GiB is hashed piece by piece")
    func streaming() throws {
        let initrd = Zeros(size: 1 << 30)
        #expect(
            Hex.encode(try initrd.digest(SHA256.self))
                == "49bc20df15e412a64472421e13fe86ff1c5165e18b2afccf160d4dc19fe68a14")
        #expect(initrd.largestPiece.withLock { $0 } <= 262_144)
    }

    @Test("tables that overlap, loop or lead out of a firmware are refused")
    func tables() throws {
        let good = try Vectors.bytes("snp-measure/ovmf_AmdSev_suffix.bin")
        let end = good.count - 32
        func code(_ change: (inout [UInt8]) -> Void) -> MeasurementError.Code? {
            var bytes = good
            change(&bytes)
            return failure { () throws(MeasurementError) in
                let image = try FirmwareImage(bytes)
                return try SNPLaunch(
                    .firmware(image, nil),
                    processors: VirtualProcessors(count: 2, model: ProcessorModel(name: "EPYC"))
                ).measurement()
            }
        }
        #expect(code { _ in } == nil)
        #expect(code { $0[end - 18] = 0 } == .malformedFirmware, "a table of no bytes")
        #expect(code { $0[end - 17] = 0xFF } == .malformedFirmware, "a table larger than the image")
        let entry = end - 18 - 18
        #expect(code { $0[entry] = 0 } == .malformedFirmware, "an entry that leads to itself")
        #expect(code { $0[entry] = 17 } == .malformedFirmware, "an entry smaller than its tail")
        #expect(code { $0[entry + 1] = 0xFF } == .malformedFirmware, "an entry larger than the table")
        // The metadata: signature, length, version, count at 0x554 from the end.
        let metadata = good.count - 0x554
        #expect(code { $0[metadata] = 0 } == .malformedFirmware)
        #expect(code { $0[metadata + 8] = 2 } == .malformedFirmware)
        #expect(code { $0[metadata + 12] = 65 } == .malformedFirmware)
        #expect(code { $0[metadata + 13] = 0xFF } == .malformedFirmware)
        #expect(code { $0[metadata + 16] = 1 } == .malformedFirmware, "an address within a page")
        #expect(code { $0[metadata + 23] = 0xFF } == .malformedFirmware, "more memory than firmware asks for")
        #expect(code { $0[metadata + 24] = 9 } == .malformedFirmware, "an unknown kind of memory")
        #expect(code { $0.removeLast() } == .malformedFirmware)
        #expect(code { $0 = [] } == .malformedFirmware)
        #expect(code { $0 = [UInt8](repeating: 0, count: FirmwareImage.maximumSize + 4096) } == .tooLarge)
    }

    @Test("an entry that is there twice is refused")
    func duplicateEntries() throws {
        var bytes = try Vectors.bytes("snp-measure/ovmf_OvmfX64_suffix.bin")
        let end = bytes.count - 32
        // The entries of the two areas, secrets and hashes, have one size.
        let area = FirmwareGUID.hashTableArea.bytes
        let start = try #require((end - 200..<end).first { bytes[$0...].starts(with: area) })
        bytes.replaceSubrange(start + 26..<start + 42, with: area)
        bytes.replaceSubrange(start - 26..<start - 10, with: area)
        let copy = bytes
        #expect(failure { () throws(MeasurementError) in try FirmwareImage(copy) } == .malformedFirmware)
    }

    @Test("whatever is changed in an artefact, it is refused or measured, never a crash")
    func mutations() throws {
        var generator = SeededGenerator(seed: 8)
        let firmware = try Vectors.bytes("snp-measure/ovmf_AmdSev_suffix.bin")
        let executable = try Vectors.bytes("uki/small.efi")
        let enclave = try Vectors.bytes("nitro/small.eif")
        let header = try Vectors.bytes("se/secure_guest.hdr")
        let processors = try VirtualProcessors(count: 1, model: ProcessorModel(name: "EPYC"))
        for _ in 0..<2000 {
            let image = Self.mutated(firmware, from: firmware.count - 0x600, &generator)
            if let firmware = try? FirmwareImage(image) {
                _ = try? SNPLaunch(.firmware(firmware, nil), processors: processors).measurement()
                _ = try? TDXLaunch(firmware).measurement()
            }
            let kernel = Self.mutated(executable, upTo: 0x400, &generator)
            if let image = try? UnifiedKernelImage(MemoryArtifact(kernel)) {
                _ = try? image.pcr11(.sha256)
                _ = try? image.authenticode(.sha256)
            }
            _ = try? EnclaveImage(MemoryArtifact(Self.mutated(enclave, upTo: 700, &generator))).registers()
            _ = try? SecureExecutionHeader(parsing: Self.mutated(header, upTo: 64, &generator))
        }
    }

    private static func mutated(
        _ bytes: [UInt8], from start: Int = 0, upTo end: Int? = nil, _ generator: inout SeededGenerator
    ) -> [UInt8] {
        var bytes = bytes
        for _ in 0..<Int.random(in: 1...6, using: &generator) {
            let position = Int.random(in: start..<(end ?? bytes.count), using: &generator)
            bytes[position] =
                [0, 1, 0x7F, 0x80, 0xFF, UInt8.random(in: 0...255, using: &generator)]
                .randomElement(using: &generator) ?? 0
        }
        return bytes
    }

    @Test("parts of an executable that lie over one another or out of the file are refused")
    func executables() throws {
        let good = try Vectors.bytes("uki/small.efi")
        // Headers at 0x80: 24 bytes, 240 optional, then sections of 40.
        let sections = 0x80 + 24 + 240
        func code(_ change: (inout [UInt8]) -> Void) -> MeasurementError.Code? {
            var bytes = good
            change(&bytes)
            return failure { () throws(MeasurementError) in
                try PortableExecutable(MemoryArtifact(bytes)).authenticode(.sha256)
            }
        }
        #expect(code { _ in } == nil)
        #expect(code { $0[0] = 0 } == .malformedImage)
        #expect(code { $0[63] = 0x7F } == .malformedImage, "headers behind the end")
        #expect(code { $0[0x80 + 7] = 0xFF } == .malformedImage, "more sections than anything loads")
        #expect(
            code {
                $0[sections + 20] = 0; $0[sections + 21] = 0
            } == .malformedImage, "a section over the headers")
        #expect(code { $0[sections + 23] = 0xFF } == .malformedImage, "a section behind the end")
        #expect(
            code { $0.replaceSubrange(sections + 60..<sections + 64, with: $0[sections + 20..<sections + 24]) }
                == .malformedImage, "two sections at one place")
        #expect(code { $0[0x80 + 24 + 63] = 0x7F } == .malformedImage, "headers larger than the file")
        #expect(code { $0[0x80 + 24 + 108] = 4 } == .malformedImage, "no place for signatures")
        #expect(code { $0[0x80 + 24 + 112 + 38] = 1 } == .malformedImage, "signatures larger than the file")
        #expect(code { $0.removeLast($0.count - 300) } == .malformedImage)
    }

    @Test("sections of an enclave image that overlap, run backwards or are too many are refused")
    func enclaves() throws {
        let good = try Vectors.bytes("nitro/small.eif")
        func code(_ change: (inout [UInt8]) -> Void) -> MeasurementError.Code? {
            var bytes = good
            change(&bytes)
            return failure { () throws(MeasurementError) in try EnclaveImage(MemoryArtifact(bytes)).registers() }
        }
        #expect(code { _ in } == nil)
        #expect(code { $0[0] = 0 } == .malformedImage)
        #expect(code { $0[5] = 5 } == .unsupportedImage)
        #expect(code { $0[27] = 0 } == .malformedImage, "no sections")
        #expect(code { $0[27] = 33 } == .malformedImage, "more than fit")
        #expect(
            code {
                $0[28 + 8 + 6] = 0; $0[28 + 8 + 7] = 0
            } == .malformedImage, "a section in the header")
        #expect(code { $0[28] = 0xFF } == .malformedImage, "an offset beyond all numbers")
        #expect(code { $0[548 + 4] = 0xFF } == .malformedImage, "a size beyond all numbers")
        #expect(code { $0[548 + 5] = 0x7F } == .malformedImage, "a size beyond the file")
        #expect(code { $0[549] = 2 } == .malformedImage, "two command lines and no kernel")
        #expect(code { $0.removeLast() } == .malformedImage)
    }
}
