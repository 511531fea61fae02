import Encodings
import EvidenceSimulator
import GuestTestSupport
import KBSProtocol
import RATS
import TestInput
import Testing
import Verification

@testable import Guest

@Suite("Event logs in evidence")
struct EventLogTextTests {
    private static let mark = [UInt8](repeating: 0xFF, count: 8)

    private func entry(_ register: UInt32, _ algorithm: HashAlgorithm) throws -> [UInt8] {
        try RuntimeEvent(domain: "domain", operation: "operation", content: "content").entry(
            register: register, algorithm)
    }

    @Test("the agent's events behind firmware's lead a verifier to all of a trust domain's registers")
    func both() throws {
        let boot = SimulatedEventLog()
        let kernel = SimulatedKernel()
        kernel.put(.file(boot.encoded), at: FirmwareEventLog.ccel)
        let entry = try entry(3, .sha384)
        let bytes = try FirmwareEventLog(kernel: kernel) { () throws(GuestError) in entry }.bytes()
        #expect(bytes == boot.encoded.dropLast(64) + entry + Self.mark)
        let log = try EventLog.parse(try #require(bytes))
        #expect(log.events.count == boot.events.count + 1)
        let text = "domain operation content"
        let tagged = Array("LEAA".utf8) + [UInt8(text.utf8.count), 0, 0, 0] + Array(text.utf8)
        let expected = SimulatedEventLog(boot.events + [.init(register: 2, type: 6, data: tagged)])
        for register in 0..<4 {
            #expect(try log.register(UInt32(register + 1), in: .sha384) == expected.register(register))
        }
    }

    @Test("without firmware's log the agent's events come behind a declaration of 69 bytes, which verifiers read")
    func declaration() throws {
        let entry = try entry(4, .sha384)
        let source = FirmwareEventLog(kernel: SimulatedKernel()) { () throws(GuestError) in entry }
        let bytes = try #require(try source.bytes())
        #expect(bytes.count == 69 + entry.count + 8)
        let head = "00000000" + "03000000" + String(repeating: "00", count: 20) + "25000000"
        #expect(
            Hex.encode(bytes.prefix(69)) == head + Hex.encode(Array("Spec ID Event03\0".utf8)) + "00000000" + "00020002"
                + "02000000" + "0c003000" + "12002000" + "00")
        let parsed = try EventLog.parse(bytes)
        #expect(parsed.events.map(\.index) == [4])
        #expect(parsed.events[0].digestMatchesEvent)
        #expect(try FirmwareEventLog(kernel: SimulatedKernel()).bytes() == nil)
    }

    @Test(
        "the declarations with zeros that the guest components put before their events are read, each for its digests",
        arguments: [[HashAlgorithm.sha384], [.sha384, .sm3], [.sha256, .sha384, .sm3]])
    func referenceDeclarations(algorithms: [HashAlgorithm]) throws {
        var declaration = EventLogText.declaration(of: algorithms)
        #expect(declaration.count == [65, 69, 73][algorithms.count - 1])
        declaration.replaceSubrange(32..<56, with: [UInt8](repeating: 0, count: 24))
        let algorithm = try #require(algorithms.first)
        let recorded = try #require(
            try Vectors.json("aael/event-digests.json").arrayValue?.first { $0["alg"]?.stringValue == "\(algorithm)" })
        let entry = try Hex.decode(try #require(recorded["tcg2_entry_hex_target_mr_3"]?.stringValue))
        let log = try EventLog.parse(declaration + entry + Self.mark)
        #expect(log.events.map(\.index) == [3])
        #expect(log.events[0].digestMatchesEvent)
        // Half a signature is none, and what the declaration does not name stays unknown.
        declaration[32] = UInt8(ascii: "S")
        #expect(throws: VerificationError.self) { try EventLog.parse(declaration + entry + Self.mark) }
        let undeclared = try self.entry(3, .sha512)
        declaration[32] = 0
        #expect(throws: VerificationError.self) { try EventLog.parse(declaration + undeclared + Self.mark) }
    }

    @Test("a TPM's log is sent only once events were measured, behind firmware's or a declaration of SHA-256")
    func platform() throws {
        let entry = try entry(14, .sha256)
        func log(_ firmware: [UInt8]?, _ events: [UInt8]) throws -> [UInt8]? {
            let kernel = SimulatedKernel()
            if let firmware { kernel.put(.file(firmware), at: PlatformEventLog.usualPath) }
            return try PlatformEventLog(kernel: kernel) { () throws(GuestError) in events }.bytes()
        }
        let firmware = EventLogText.declaration(of: [.sha256]) + (try self.entry(4, .sha256))
        #expect(try log(firmware, []) == nil)
        #expect(try log(nil, []) == nil)
        #expect(try log(firmware, entry) == firmware + entry + Self.mark)
        let sent = try #require(try log(nil, entry))
        let alone = try EventLog.parse(sent)
        #expect(alone.algorithms == [.sha256] && alone.events.map(\.index) == [14])
    }

    @Test("a firmware's log that nobody understands is none, with events and without")
    func notUnderstood() throws {
        let entry = try entry(4, .sha384)
        for table in [[], [UInt8](repeating: 0, count: 4096), [UInt8](repeating: 0xFF, count: 64)] {
            let kernel = SimulatedKernel()
            kernel.put(.file(table), at: FirmwareEventLog.ccel)
            #expect(try FirmwareEventLog(kernel: kernel).bytes() == nil)
            let sent = try FirmwareEventLog(kernel: kernel) { () throws(GuestError) in entry }.bytes()
            #expect(try EventLog.parse(try #require(sent)).events.map(\.index) == [4])
        }
    }

    @Test("events are refused where firmware measured something and its log cannot be seen")
    func firmwareLogIsNeeded() throws {
        let kernel = SimulatedKernel.trustDomain()
        let registers = try #require(TDXRegisters(kernel: kernel))
        let event = try RuntimeEvent(domain: "domain", operation: "operation", content: "content")
        let own = event.entry(register: 3, .sha384)
        func check(_ events: [UInt8]) throws {
            try FirmwareEventLog(kernel: kernel) { () throws(GuestError) in events }
                .requireLead(to: TDXRegisters.firmwareRegisters, of: registers)
        }
        // Nothing was measured, and then the agent's own event alone.
        try check([])
        try registers.extend(at: 3, with: event.digest(.sha384))
        try check(own)
        #expect(throws: GuestError.self) { try check([]) }
        let register = "/sys/devices/virtual/misc/tdx_guest/measurements/rtmr0:sha384"
        kernel.put(.file([UInt8](repeating: 1, count: 48)), at: register)
        for table in [nil, [UInt8](repeating: 0, count: 4096)] {
            if let table { kernel.put(.file(table), at: FirmwareEventLog.ccel) }
            #expect {
                try check(own)
            } throws: {
                ($0 as? GuestError)?.message.contains(FirmwareEventLog.ccel) == true
            }
        }
        kernel.put(.file(SimulatedEventLog().encoded), at: FirmwareEventLog.ccel)
        try check(own)
    }

    @Test("a TPM's log is that of the device with the same number")
    func platformPath() {
        for (device, name) in [
            ("/dev/tpmrm0", "tpm0"), ("/dev/tpm0", "tpm0"), ("/dev/tpm2", "tpm2"), ("/dev/tpmrm1", "tpm1"),
            ("/run/swtpm/socket", "tpm0"), ("", "tpm0"),
        ] {
            let path = PlatformEventLog.path(of: TPMDevice(device, kernel: SimulatedKernel()))
            #expect(path == "/sys/kernel/security/\(name)/binary_bios_measurements")
        }
    }

    @Test("entries are whole or not, at every byte, and no bytes trap")
    func whole() throws {
        let entry = try entry(4, .sha384)
        for cut in 0...entry.count {
            let bytes = Array((entry + entry).prefix(entry.count + cut))
            #expect(EventLogText.isWhole(bytes) == [0, entry.count].contains(cut))
        }
        var generator = SeededGenerator(seed: 0x6363_656C)
        for _ in 0..<4000 {
            var bytes = entry
            for _ in 0..<Int.random(in: 1...6, using: &generator) {
                bytes[Int.random(in: 0..<bytes.count, using: &generator)] = .random(in: 0...255, using: &generator)
            }
            _ = EventLogText.isWhole(bytes)
        }
    }
}
