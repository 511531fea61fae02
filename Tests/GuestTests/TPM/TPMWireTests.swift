import Encodings
import Glibc
import GuestTestSupport
import Synchronization
import TestInput
import Testing

@testable import Guest

/// A TPM that answers what a test wrote down, one answer for each command.
private final class ScriptedTPM: TPMTransport {
    private(set) var commands: [[UInt8]] = []
    private var answers: [[UInt8]]

    init(_ answers: [[UInt8]]) { self.answers = answers }

    func exchange(_ command: [UInt8]) throws(TPMError) -> [UInt8] {
        commands.append(command)
        guard !answers.isEmpty else { throw .unavailable("nothing is left to say") }
        return answers.removeFirst()
    }
}

/// A machine with a TPM, but without a resource manager, whose device is busy at first.
private final class BusyKernel: Kernel, Device {
    private let count = Atomic(0)
    private let refusals: Int
    private let answer: [UInt8]

    init(refusals: Int, answer: [UInt8]) { (self.refusals, self.answer) = (refusals, answer) }

    var opened: Int { count.load(ordering: .relaxed) }

    func exists(_ path: String) -> Bool { path == "/dev/tpm0" }

    func open(_ path: String, _ access: DeviceAccess) throws(GuestError) -> any Device {
        let attempt = count.wrappingAdd(1, ordering: .relaxed).newValue
        guard access == .readWrite, attempt > refusals else { throw SimulatedKernel.refusal(EBUSY, path) }
        return self
    }

    func exchange(_ command: [UInt8], limit: Int) throws(GuestError) -> [UInt8] { answer }
    func control(_ request: DeviceRequest) throws(GuestError) -> DeviceAnswer { request.unknown }
    func read(_ path: String, limit: Int) throws(GuestError) -> [UInt8] { throw SimulatedKernel.refusal(ENOENT, path) }
    func write(_ bytes: [UInt8], to path: String) throws(GuestError) { throw SimulatedKernel.refusal(ENOENT, path) }
    func makeDirectory(_ path: String) throws(GuestError) { throw SimulatedKernel.refusal(EACCES, path) }
    func removeDirectory(_ path: String) throws(GuestError) { throw SimulatedKernel.refusal(EACCES, path) }
    func list(_ path: String) throws(GuestError) -> [String] { throw SimulatedKernel.refusal(ENOENT, path) }
}

@Suite("The TPM's commands and answers")
struct TPMWireTests {
    private func answer(_ tag: UInt16 = 0x8001, _ body: [UInt8] = [], code: UInt32 = 0) -> [UInt8] {
        BigEndian.bytes(tag) + BigEndian.bytes(UInt32(10 + body.count)) + BigEndian.bytes(code) + body
    }

    @Test("a TPM that is there and does not answer is not taken for a TPM without key or paravisor")
    func silentTPM() {
        let kernel = SimulatedKernel()
        kernel.put(.file([]), at: "/dev/tpm2")
        let device = TPMDevice("/dev/tpm2", kernel: kernel)
        #expect(throws: GuestError.self) { try TPMAttester(device).isUsable() }
        #expect(throws: GuestError.self) { try AzureAttester(device) }
        #expect {
            _ = try AttesterDetection.attester(AttesterSettings(), kernel: kernel)
        } throws: {
            ($0 as? GuestError)?.code == .evidence && ($0 as? GuestError)?.message.contains("/dev/tpm2") == true
        }
    }

    @Test("a command that extends a register is what the TCG's specification says, byte for byte")
    func extend() throws {
        let tpm = ScriptedTPM([answer(0x8002, [0, 0, 0, 0] + [0, 0, 1, 0, 0])])
        try TPM(transport: tpm).extend(8, with: [UInt8](repeating: 0xAB, count: 32))
        #expect(
            Hex.encode(try #require(tpm.commands.first)) == "8002" + "00000041" + "00000182" + "00000008" + "00000009"
                + "40000009" + "0000" + "00" + "0000" + "00000001" + "000b" + String(repeating: "ab", count: 32))
    }

    @Test("registers that the TPM does not have and digests of another size never reach it", arguments: [-1, 24, 255])
    func wrongRegister(index: Int) {
        let tpm = ScriptedTPM([])
        #expect(throws: TPMError.self) {
            try TPM(transport: tpm).extend(index, with: [UInt8](repeating: 0, count: 32))
        }
        #expect(throws: TPMError.self) { try TPM(transport: tpm).extend(8, with: [1]) }
        #expect(throws: TPMError.self) { try TPM(transport: tpm).register(index) }
        #expect(tpm.commands.isEmpty)
    }

    @Test("a refusal names the command, the TPM's code and what it means")
    func refusals() {
        for (code, words) in [
            (0x18B as UInt32, "no such object"), (0x907, "cannot be extended"), (0x101, "0x101"),
        ] {
            #expect {
                _ = try TPM(transport: ScriptedTPM([answer(code: code)])).publicArea(of: 0x8101_0002)
            } throws: {
                guard let error = $0 as? TPMError else { return false }
                return error.message.contains("TPM2_ReadPublic") && error.message.contains(words)
                    && error.isMissingHandle == (code == 0x18B)
            }
        }
    }

    @Test("a TPM that is busy is asked again, and an index that does not exist is none")
    func busy() throws {
        let tpm = ScriptedTPM([answer(code: 0x922), answer(code: 0x90A), answer(code: 0x18B)])
        #expect(try TPM(transport: tpm).index(0x0140_0001) == nil)
        #expect(tpm.commands.count == 3)
    }

    @Test("answers that are cut, too long, or of another shape are refused and never trap")
    func shapes() throws {
        for wrong: [UInt8] in [
            [], [0x80, 0x01], answer() + [1], Array(answer().dropLast()), answer(0x8002), answer(0x8001, [0, 1]),
            [0x80, 0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 0], answer(0x1234),
        ] {
            #expect(throws: TPMError.self, "\(wrong)") {
                _ = try TPM(transport: ScriptedTPM([wrong])).publicArea(of: 0x8101_0002)
            }
        }
    }

    @Test("random answers to every command are refused or read, and nothing traps")
    func randomAnswers() throws {
        var generator = SeededGenerator(seed: 0x7470_6D)
        for _ in 0..<4000 {
            let body = (0..<Int.random(in: 0...90, using: &generator)).map { _ in
                // Small numbers are counts that fit now and then.
                Bool.random(using: &generator)
                    ? UInt8.random(in: 0...4, using: &generator) : UInt8.random(in: 0...255, using: &generator)
            }
            for tag: UInt16 in [0x8001, 0x8002] {
                let bytes = answer(tag, body)
                let script = [bytes, bytes, bytes]
                _ = try? TPM(transport: ScriptedTPM(script)).registers()
                _ = try? TPM(transport: ScriptedTPM(script)).publicArea(of: 0x8101_0002)
                let index = TPMIndex(handle: 0x0140_0001, attributes: [.ownerMayRead], size: 64)
                _ = try? TPM(transport: ScriptedTPM(script)).read(index)
                _ = try? TPM(transport: ScriptedTPM(script)).index(index.handle)
            }
            _ = try? TPMKeyArea(parsing: body)
            _ = TPMQuoteAnswer(message: [], signature: body, registers: []).rsassaSignature
            _ = TPMAttester.element(body)
            _ = try? HCLReport(parsing: body)
        }
    }

    @Test("an empty bank, other registers than asked for, and another bank are no values")
    func registers() {
        let value = [UInt8](repeating: 7, count: 32)
        func read(_ selection: [UInt8], _ values: [[UInt8]]) -> [UInt8] {
            answer(
                0x8001,
                [0, 0, 0, 1] + selection + BigEndian.bytes(UInt32(values.count)) + values.flatMap(BigEndian.counted))
        }
        func result(_ selection: [UInt8], _ values: [[UInt8]]) -> [UInt8]? {
            try? TPM(transport: ScriptedTPM([read(selection, values)])).register(8)
        }
        #expect(result([0, 0, 0, 1, 0, 0x0B, 3, 0, 1, 0], [value]) == value)
        #expect(result([0, 0, 0, 1, 0, 0x0B, 3, 0, 0, 0], []) == nil)
        #expect(result([0, 0, 0, 0], []) == nil)
        #expect(result([0, 0, 0, 1, 0, 0x0B, 3, 0, 2, 0], [value]) == nil)
        #expect(result([0, 0, 0, 1, 0, 0x0C, 3, 0, 1, 0], [value]) == nil)
        #expect(result([0, 0, 0, 1, 0, 0x0B, 3, 0, 1, 0], [[1]]) == nil)
        #expect(result([0, 0, 0, 1, 0, 0x0B, 255, 0, 1, 0], [value]) == nil)
    }

    @Test("a device that another program has is waited for, and closed as soon as the work is done")
    func busyDevice() throws {
        let selection: [UInt8] = [0, 0, 0, 1, 0, 0x0B, 3, 0, 1, 0]
        let answer = answer(0x8001, [0, 0, 0, 1] + selection + [0, 0, 0, 1, 0, 32] + .zeros(32))
        let kernel = BusyKernel(refusals: 3, answer: answer)
        let device = try #require(TPMDevice.find(nil, kernel: kernel))
        #expect(device.path == "/dev/tpm0")
        #expect(try device.session { (tpm) throws(TPMError) in try tpm.register(8) } == .zeros(32))
        #expect(kernel.opened == 4)
    }

    @Test("the handle of a key is that of a persistent object, in hexadecimal with or without 0x")
    func handles() throws {
        #expect(try TPMAttester.key("0x81010002") == 0x8101_0002)
        #expect(try TPMAttester.key("81000003") == 0x8100_0003)
        for wrong in ["", "0x", "0x80000001", "ak", "0x8101000200", "-1"] {
            #expect(throws: GuestError.self, "\(wrong)") { try TPMAttester.key(wrong) }
        }
    }
}
