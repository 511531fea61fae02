import Encodings
import Testing

@testable import Measurement

@Suite("measurements of images: unified kernels, enclaves, Secure Execution, realms")
struct ImageMeasurementTests {
    @Test("PCR 11 and the digest of an image are those that systemd-measure and osslsigncode tell")
    func systemd() throws {
        let image = try UnifiedKernelImage(Vectors.artifact("uki/systemd-252.efi"))
        let expected = try Vectors.json("uki/systemd-252.json")
        let phases = ["enter-initrd", "leave-initrd", "sysinit", "ready"]
        for bank in [RegisterHash.sha256, .sha384] {
            let values = try #require(expected[bank.rawValue])
            #expect(try image.pcr11(bank) == values.hex("pcr11"))
            #expect(try image.pcr11(bank, phases: phases) == values.hex("ready"))
        }
        #expect(try image.authenticode(.sha256) == expected["sha256"]?.hex("authenticode"))
        let kernel = try PortableExecutable(Vectors.artifact("tdx/bzImage"))
        #expect(
            Hex.encode(try kernel.authenticode(.sha256))
                == "fea159ab798bf1a1939936fb93cc5432952d7cd4fcb715385b6e908128a6b337")
    }

    @Test(
        "sections are measured in one order, wherever they stand; signatures are not", arguments: RegisterHash.allCases)
    func unifiedKernel(bank: RegisterHash) throws {
        let image = try UnifiedKernelImage(Vectors.artifact("uki/small.efi"))
        let expected = try #require(Vectors.json("uki/expected.json")[bank.rawValue])
        #expect(
            image.measuredNames == [".linux", ".osrel", ".cmdline", ".initrd", ".uname", ".sbat", ".pcrpkey"])
        #expect(try image.pcr11(bank) == expected.hex("pcr11"))
        #expect(
            try image.pcr11(bank, phases: ["enter-initrd", "leave-initrd", "sysinit", "ready"]) == expected.hex("ready")
        )
        #expect(try image.authenticode(bank) == expected.hex("authenticode"))
    }

    @Test("an image of which the stub chooses parts is refused, and so is one with a section twice or none")
    func ambiguousKernel() throws {
        func code(renaming old: String, to new: String) throws -> MeasurementError.Code? {
            var bytes = try Vectors.bytes("uki/small.efi")
            let name = Array(old.utf8).padded(to: 8)
            let start = try #require(bytes.indices.first { bytes[$0...].starts(with: name) })
            bytes.replaceSubrange(start..<start + 8, with: Array(new.utf8).padded(to: 8))
            return failure { () throws(MeasurementError) in try UnifiedKernelImage(MemoryArtifact(bytes)) }
        }
        #expect(try code(renaming: ".uname", to: ".profile") == .unsupportedImage)
        #expect(try code(renaming: ".uname", to: ".dtbauto") == .unsupportedImage)
        #expect(try code(renaming: ".uname", to: ".osrel") == .malformedImage)
        #expect(try code(renaming: ".linux", to: ".other") == .malformedImage)
        #expect(try code(renaming: ".uname", to: ".other") == nil)
        let kernel = try Vectors.artifact("tdx/bzImage")
        #expect(failure { () throws(MeasurementError) in try UnifiedKernelImage(kernel) } == .malformedImage)
    }

    @Test("PCR 0, 1 and 2 of an enclave image, and those of role, instance and signer")
    func enclave() throws {
        let expected = try Vectors.json("nitro/expected.json")
        let registers = try EnclaveImage(Vectors.artifact("nitro/small.eif")).registers()
        #expect(try registers == ["pcr0", "pcr1", "pcr2"].map { try expected.hex($0) })
        #expect(try NitroRegister.role(expected.text("role")) == expected.hex("pcr3"))
        #expect(try NitroRegister.instance(expected.text("instance")) == expected.hex("pcr4"))
        #expect(try NitroRegister.signer(certificate: expected.hex("certificate")) == expected.hex("pcr8"))
    }

    @Test("every byte of kernel, command line and ramdisks counts; header and metadata do not")
    func enclaveCoverage() throws {
        let bytes = try Vectors.bytes("nitro/small.eif")
        let original = try EnclaveImage(MemoryArtifact(bytes)).registers()
        func changed(at offset: Int) throws -> [Bool] {
            var copy = bytes
            copy[offset] ^= 1
            return zip(try EnclaveImage(MemoryArtifact(copy)).registers(), original).map { $0 != $1 }
        }
        #expect(try changed(at: 547) == [false, false, false])
        #expect(try changed(at: 560) == [true, true, false])
        #expect(try changed(at: bytes.count - 1) == [true, false, true])
    }

    @Test("a Secure Execution header tells tag, digests and host keys, alone and in an image")
    func secureExecution() throws {
        let bytes = try Vectors.bytes("se/secure_guest.hdr")
        let header = try SecureExecutionHeader(parsing: bytes)
        #expect(header.tag == Array(bytes.suffix(16)))
        #expect(Hex.encode(header.tag) == "92309d4589b9a85b427f8753171d1520")
        #expect(header.imageIdentity == Array(bytes[224..<416]) + header.tag)
        #expect(header.hostKeyHashes == [Array(bytes[416..<448])])
        let image = MemoryArtifact([UInt8](repeating: 0x49, count: 300_000) + bytes + [UInt8](repeating: 1, count: 99))
        #expect(try SecureExecutionHeader(in: image) == header)
        // A file in the image begins like a header: it is passed over, unless it is one.
        let decoy = Array(bytes[..<32]) + [UInt8](repeating: 0xFF, count: 992)
        let behind = MemoryArtifact(decoy + bytes + decoy)
        #expect(try SecureExecutionHeader(in: behind) == header)
        let padding = [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8)
        let two = MemoryArtifact(bytes + padding + bytes)
        #expect(failure { () throws(MeasurementError) in try SecureExecutionHeader(in: two) } == .malformedImage)
        let many = MemoryArtifact(Array(repeating: Array(bytes[..<8]), count: 65).flatMap(\.self) + bytes)
        #expect(failure { () throws(MeasurementError) in try SecureExecutionHeader(in: many) } == .malformedImage)
        let none = MemoryArtifact([UInt8](repeating: 0x49, count: 5000))
        #expect(failure { () throws(MeasurementError) in try SecureExecutionHeader(in: none) } == .malformedImage)
        for (offset, code) in [
            (0, MeasurementError.Code.malformedImage), (10, .unsupportedImage), (14, .malformedImage),
            (32, .malformedImage), (39, .malformedImage), (40, .malformedImage),
        ] {
            var damaged = bytes
            damaged[offset] ^= 0x80
            #expect(failure { () throws(MeasurementError) in try SecureExecutionHeader(parsing: damaged) } == code)
        }
        let cut = Array(bytes.dropLast())
        #expect(failure { () throws(MeasurementError) in try SecureExecutionHeader(parsing: cut) } == .malformedImage)
    }

    @Test("measurements of Secure Execution are those of IBM's tools")
    func secureExecutionMeasurement() throws {
        let cases = try #require(Vectors.json("se/measurement-kat.json").arrayValue)
        #expect(cases.count == 4)
        for known in cases {
            let name = try known.text("name")
            func optional(_ name: String) throws -> [UInt8] { known[name] == nil ? [] : try known.hex(name) }
            let identity = try ["pld", "ald", "tld", "tag"].flatMap { try known.hex($0) }
            let measurement = try SecureExecutionMeasurement(
                imageIdentity: identity, configurationID: known.hex("cuid"), userData: optional("user"),
                nonce: optional("nonce"), additionalData: optional("add"))
            #expect(
                try measurement.value(key: known.hex("meas_key")) == known.hex("expected"), "\(name)")
        }
        #expect(
            failure { () throws(MeasurementError) in
                try SecureExecutionMeasurement(imageIdentity: [], configurationID: [])
            } == .invalidInput)
    }

    @Test("a realm's measurement follows from the host's calls", arguments: RealmHash.allCases)
    func realm(algorithm: RealmHash) throws {
        var measurement = RealmMeasurement(
            RealmParameters(algorithm: algorithm, addressWidth: 40, breakpoints: 5, watchpoints: 3, counters: 6))
        try measurement.makeRAM(from: 0x8000_0000, to: 0x9000_0000)
        try measurement.load(Vectors.artifact("cca/Image"), at: 0x8020_0000)
        try measurement.load(Vectors.artifact("cca/dtb"), at: 0x8FE0_0000, isMeasured: false)
        measurement.add(try RealmProcessor(instruction: 0x8020_0000, registers: [0x8FE0_0000]))
        #expect(try measurement.value == Vectors.json("cca/expected.json").hex(algorithm.rawValue))
        let before = measurement
        measurement.add(try RealmProcessor(instruction: 1, flags: 0))
        #expect(measurement == before, "a processor that cannot run from the start is not measured")
        for (base, top) in [(0, 0), (1, 4097), (4096, 0), (0, 4097), (1 << 52, 1 << 53)] as [(UInt64, UInt64)] {
            #expect(
                failure { () throws(MeasurementError) in try measurement.makeRAM(from: base, to: top) } == .invalidInput
            )
        }
        let granule = MemoryArtifact([1])
        #expect(
            failure { () throws(MeasurementError) in try measurement.load(granule, at: 5) } == .invalidInput)
        #expect(
            failure { () throws(MeasurementError) in
                try RealmProcessor(instruction: 0, registers: [UInt64](repeating: 0, count: 9))
            } == .invalidInput)
    }
}
