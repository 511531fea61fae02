import ArgumentParser
import Encodings
import Foundation
import Policy
import PolicyTesting
import Testing

@testable import claviger

@Suite("measure commands")
struct MeasureCommandTests {
    private static func path(_ name: String) throws -> String { try Vectors.url("measure/\(name)").path }

    /// The report of a command line, as every measure command makes it.
    private func report(_ arguments: String...) throws -> MeasureReport {
        let command = try MeasureCommand.parseAsRoot(arguments)
        switch command {
        case let command as MeasureSNPCommand: return try command.report()
        case let command as MeasureSEVCommand: return try command.report()
        case let command as MeasureSEVESCommand: return try command.report()
        case let command as MeasureTDXCommand: return try command.report()
        case let command as MeasureCCACommand: return try command.report()
        case let command as MeasureSECommand: return try command.report()
        case let command as MeasureNitroCommand: return try command.report()
        case let command as MeasurePCRCommand: return try command.report()
        default: throw ValidationError("no measure command")
        }
    }

    private func value(_ report: MeasureReport, _ name: String) throws -> String {
        try #require(report.values.first { $0.name == name }).text
    }

    /// Whether a command line is refused, when it is read or when it runs.
    private func fails(_ arguments: String...) throws -> Bool {
        do {
            var command = try MeasureCommand.parseAsRoot(arguments)
            try command.run()
            return false
        } catch {
            return true
        }
    }

    private func emptyFile(_ scratch: Scratch) throws -> String {
        let path = scratch.path + "/vmlinuz"
        try Data().write(to: URL(filePath: path))
        return path
    }

    @Test("snp, sev and sev-es print the published digests, alone")
    func launches() throws {
        let scratch = try Scratch()
        let kernel = try emptyFile(scratch)
        let firmware = try Self.path("ovmf_AmdSev_suffix.bin")
        let snp = try report(
            "snp", "--firmware", firmware, "--kernel", kernel, "--cmdline", "console=ttyS0 loglevel=7", "--vcpu-type",
            "EPYC-v4")
        #expect(
            snp.text
                == "6d287813eb5222d770f75005c664e34c204f385ce832cc2ce7d0d6f354454362f390ef83a92046c042e706363b4b08fa")
        let others = try report(
            "snp", "--firmware", firmware, "--kernel", kernel, "--vcpus", "4", "--vcpu-signature", "0x800f12",
            "--guest-features", "0x21")
        #expect(
            others.text
                == "4953b1fb416fa874980e8442b3706d345926d5f38879134e00813c5d7abcbe78eafe7b422907be0b4698e2414a631942")
        let google = try report("snp", "--firmware", firmware, "--kernel", kernel, "--vmm", "gce")
        #expect(google.text.hasPrefix("5da7106cf14cf46b"))
        let sev = try report("sev", "--firmware", firmware, "--kernel", kernel)
        #expect(sev.text == "77f613d7bbcdf12a73782ea9e88b0172aeda50d1a54201cb903594ff52846898")
        let es = try report(
            "sev-es", "--firmware", firmware, "--kernel", kernel, "--vcpus", "4", "--vcpu-type", "EPYC-v4")
        #expect(es.text == "0dccbcaba8e90b261bd0d2e1863a2f9da714768b7b2a19363cd6ae35aa90de91")
        let recorded = try report(
            "sev-es", "--firmware", Self.path("ovmf_trimmed.fd"), "--vmsa", Self.path("vmsa0.bin"), "--vmsa",
            Self.path("vmsa1.bin"), "--vcpus", "4")
        #expect(recorded.values.first?.name == "sev_es_launch_digest" && recorded.inputs.count == 3)
    }

    @Test("an ID block must be for the measurement, and its signatures for it")
    func identity() throws {
        let scratch = try Scratch()
        let kernel = try emptyFile(scratch)
        let arguments = [
            "snp", "--firmware", try Self.path("ovmf_AmdSev_suffix.bin"), "--kernel", kernel, "--vcpu-type", "EPYC-v4",
        ]
        func code(_ more: [String]) throws -> Int32 {
            do {
                _ = try (MeasureCommand.parseAsRoot(arguments + more) as? MeasureSNPCommand)?.report()
                return 0
            } catch let failure as CommandFailure {
                return failure.status.rawValue
            }
        }
        let measurement = try Hex.decode(
            "ddc5224521617a536ee7ce9dd6224d1b58a8d4fda1c741f3ac99fc4bfa04ba6e9fc98646d4a07a9079397fa3852819b5")
        func block(_ digest: [UInt8]) throws -> String {
            let path = scratch.path + "/block-\(digest[0])"
            let rest = [UInt8](repeating: 0, count: 32) + [1, 0, 0, 0] + [UInt8](repeating: 0, count: 12)
            try Data(digest + rest).write(to: URL(filePath: path))
            return path
        }
        #expect(try code(["--id-block", block(measurement)]) == 0)
        #expect(try code(["--id-block", block([1] + measurement.dropFirst())]) == 1)
        // The published signature is for another block.
        let authentication = try Self.path("test_auth_block.bin")
        #expect(try code(["--id-block", block(measurement), "--auth-block", authentication]) == 1)
    }

    @Test("tdx takes registers from a log, or computes them from a kernel")
    func tdx() throws {
        let log = try report("tdx", "--event-log", Self.path("ccel-ovmf.bin"))
        #expect(log.values.map(\.name) == ["rtmr_0", "rtmr_1", "rtmr_2", "rtmr_3"])
        #expect(try value(log, "rtmr_1").hasPrefix("775b9f6bfe99f8a3"))
        #expect(try value(log, "rtmr_2").hasPrefix("94eaf7a7bf398ed8"))
        let boot = try report(
            "tdx", "--kernel", Self.path("bzImage"), "--initrd", Self.path("initrd"), "--cmdline",
            "root=/dev/vda1 console=hvc0 ro", "--memory", "2G")
        #expect(boot.values.map(\.name) == ["rtmr_1", "rtmr_2", "tdvfkernel", "tdvfkernelparams"])
        #expect(
            try value(boot, "rtmr_1")
                == "9d6085a27e3367daa2da88e35dcfd84be52f863fe9e0e696801583dd0496cc6f870888d6b6f3d6b6ffd1827fe2fddc4a")
        #expect(
            try value(boot, "rtmr_2")
                == "c1111c19708c9b7206f40313ba99d79d16a21771271953cccb7cd96c92ba0a36e20c6dcf311ba67a011a7fac5620fc60")
        #expect(boot.values.filter(\.isSingle).map(\.name) == ["tdvfkernel", "tdvfkernelparams"])
        let shim = try report("tdx", "--td-shim-cmdline", "root=/dev/vda1 console=hvc0 rw")
        #expect(shim.text.hasPrefix("64ed1e5a47e8632f80faf428465bd987"))
        #expect(try fails("tdx"))
        #expect(try fails("tdx", "--event-log", Self.path("bzImage")))
        #expect(try fails("tdx", "--firmware", Self.path("ovmf_AmdSev_suffix.bin")))
        #expect(try fails("tdx", "--kernel", Self.path("bzImage"), "--event-log", Self.path("ccel-ovmf.bin")))
    }

    @Test("cca, se, nitro and pcr print what their images say")
    func images() throws {
        let realm = try report(
            "cca", "--address-width", "40", "--breakpoints", "5", "--watchpoints", "3", "--counters", "6",
            "ram=0x80000000-0x90000000", "load=\(Self.path("Image"))@0x80200000",
            "unmeasured=\(Self.path("dtb"))@0x8fe00000", "cpu=0x80200000,0x8fe00000")
        #expect(Hex.encode(try Base64.decode(realm.text)) == Self.realm)
        let header = try report("se", Self.path("secure_guest.hdr"))
        #expect(try value(header, "se_tag") == "92309d4589b9a85b427f8753171d1520")
        #expect(header.values.count == 5)
        let enclave = try report("nitro", Self.path("small.eif"), "--instance-id", "i-0123456789abcdef0")
        #expect(enclave.values.map(\.name) == ["nitro_pcr0", "nitro_pcr1", "nitro_pcr2", "nitro_pcr4"])
        let kernel = try report(
            "pcr", "--uki", Self.path("systemd-252.efi"), "--phase", "enter-initrd", "--phase", "leave-initrd",
            "--phase",
            "sysinit", "--phase", "ready")
        #expect(kernel.text == "743ef62bde82a4b9216dace2ea5f034c291076f4194dd1196288ff04048aa12c")
        #expect(kernel.values.first?.name == "tpm_pcr11")
        #expect(try fails("pcr", "--uki", Self.path("bzImage")))
        #expect(try fails("nitro", Self.path("bzImage")))
        #expect(try fails("se", Self.path("bzImage")))
        for call in ["load=x", "cpu=", "ram=1", "ram=1-", "jump=1", "cpu=-1", "load=x@+1"] {
            #expect(RealmCall(argument: call) == nil, "\(call)")
        }
    }

    private static let realm = "a00b9de156cbfa82c8e6f90a7d8b2862bd4c4c78c9805492190a1938ea85fd74"

    @Test("pcr computes the registers that a real TPM signed from its log")
    func recordedRegisters() throws {
        let log = try Self.path("tpm-eventlog.bin")
        let registers = try report("pcr", "--event-log", log, "--pcr", "0", "--pcr", "4", "--prefix", "snp")
        #expect(registers.values.map(\.name) == ["snp_pcr00", "snp_pcr04"])
        #expect(try value(registers, "snp_pcr00") == "0f35c214608d93c7a6e68ae7359b4a8be5a0e99eea9107ece427c4dea4e439cf")
        #expect(try value(registers, "snp_pcr04") == "d690bdac2aa8b73a1d718cb91990df07d0747b07ea57b3b2d0f0d511f0d90491")
        let long = try report("pcr", "--event-log", log, "--pcr", "8", "--bank", "sha384")
        #expect(
            long.text
                == "f97c3aaae273a2758fc1595ac99c77425f896520914a3482158970dfb49f9e1106f9ce6b2465ec2865e976c8ab81c6e4")
        #expect(try fails("pcr", "--event-log", log, "--pcr", "8", "--bank", "sha512"))
        #expect(try fails("pcr", "--event-log", log, "--pcr", "24"))
        #expect(try fails("pcr", "--event-log", log, "--pcr", "1", "--pcr", "1"))
        #expect(try fails("pcr", "--event-log", log))
    }

    @Test("a document names files by their digests, and the policy reader and lint take it")
    func documents() throws {
        let scratch = try Scratch()
        let kernel = try emptyFile(scratch)
        let snp = try report(
            "snp", "--firmware", Self.path("ovmf_AmdSev_suffix.bin"), "--kernel", kernel, "--cmdline",
            "a \u{1B}[31m'b'\n", "--vcpu-type", "EPYC-v4")
        let heading = MeasureReport.Heading(
            name: "guest-1", namespace: nil, state: "accepted", validUntil: "2027-01-31T12:00:00Z", builtBy: "ci-42")
        let text = try snp.document(heading, now: Date(timeIntervalSince1970: 1_767_225_600))
        let documents = try PolicyParser.parse(text, source: "x")
        #expect(documents.count == 1)
        let findings = PolicyLint(documents, now: Date(timeIntervalSince1970: 1_767_225_600)).findings()
        #expect(findings.isEmpty, "\(findings)")
        let empty = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        #expect(text.contains("firmware ovmf_AmdSev_suffix.bin, kernel vmlinuz"))
        #expect(text.contains("kernel \(empty)"))
        #expect(text.contains(snp.values[0].text) && text.contains("snp_launch_measurement"))
        #expect(text.contains("1 virtual processor of EPYC-v4 on qemu") && text.contains("2026-01-01T00:00:00Z"))
        #expect(!text.contains("\u{1B}"))
        let spec = try #require(Self.spec(documents))
        #expect(spec.values.map(\.name) == ["snp_launch_measurement"])
        #expect(spec.values.first?.provenance?.builtBy == "ci-42")

        let boot = try report("tdx", "--kernel", Self.path("bzImage"))
        let several = try PolicyParser.parse(boot.document(heading, now: Date()), source: "x")
        #expect(Self.spec(several)?.values.count == 4)
        let realm = try report("cca", "--address-width", "40", "cpu=0")
        #expect(try PolicyParser.parse(realm.document(heading, now: Date()), source: "x").count == 1)
        #expect(throws: PolicyError.self) {
            try snp.document(
                .init(name: "No Name", namespace: nil, state: "accepted", validUntil: nil, builtBy: "x"), now: Date())
        }
    }

    private static func spec(_ documents: [PolicyDocument]) -> ReferenceValuesSpec? {
        guard case .referenceValues(let spec) = documents.first?.spec else { return nil }
        return spec
    }

    @Test("options that mean nothing together are refused")
    func options() throws {
        let firmware = try Self.path("ovmf_AmdSev_suffix.bin")
        #expect(try fails("snp"))
        #expect(try fails("snp", "--firmware", firmware))
        #expect(try fails("snp", "--firmware", firmware, "--vcpu-type", "Skylake"))
        #expect(try fails("snp", "--firmware", firmware, "--vcpu-type", "EPYC", "--vcpu-signature", "1"))
        #expect(try fails("snp", "--firmware", firmware, "--vcpu-type", "EPYC", "--vcpus", "0"))
        #expect(try fails("snp", "--firmware", firmware, "--vcpu-type", "EPYC", "--cmdline", "x"))
        #expect(try fails("snp", "--firmware", firmware, "--vcpu-type", "EPYC", "--guest-features", "-1"))
        #expect(try fails("snp", "--firmware", firmware, "--vcpu-type", "EPYC", "--auth-block", firmware))
        #expect(try fails("snp", "--firmware", firmware, "--vcpu-type", "EPYC", "--state", "candidate"))
        #expect(try fails("snp", "--firmware", "/dev/null", "--vcpu-type", "EPYC"))
        #expect(try fails("sev", "--firmware", firmware, "--kernel", "/dev/zero"))
        #expect(try fails("sev", "--firmware", firmware, "--valid-until", "tomorrow", "--reference-values", "x"))
        #expect(try fails("tdx", "--td-shim-cmdline", "x", "--kernel", firmware))
        #expect(try fails("pcr", "--event-log", firmware))
        #expect(MemoryArgument(argument: "2G")?.bytes == 1 << 31)
        #expect(MemoryArgument(argument: "0x10")?.bytes == 16)
        for text in ["", "G", "-1G", "99999999999T", "2g", "0x", "1 G"] {
            #expect(MemoryArgument(argument: text) == nil)
        }
    }
}
