import Crypto
import Encodings
import RATS
import TestPrograms
import Testing
import Verification

@testable import Guest

@Suite("The TPM attester, with a real TPM", .timeLimit(.minutes(5)))
struct TPMAttesterTests {
    private static func digest(_ text: String) -> [UInt8] { Array(SHA384.hash(data: Array(text.utf8))) }

    private static func attester(_ tpm: SoftwareTPM, eventLog: any EventLogSource = NoEventLog()) -> TPMAttester {
        TPMAttester(TPMDevice(tpm.socket, kernel: RealKernel()), eventLog: eventLog)
    }

    private static func verifier(trusting key: [UInt8]) -> TPMVerifier {
        var options = TPMVerifier.Options()
        options.trustedKeys = [key]
        options.unknownKeys = .refused
        return TPMVerifier(options)
    }

    private static func verify(
        _ content: JSONValue, by verifier: TPMVerifier, _ binding: EvidenceBinding
    ) async throws -> EvidenceClaims? {
        try await verifier.verify(
            Evidence(tee: .tpm, content: content), binding: binding, context: VerificationContext()
        ).first
    }

    @Test(
        "evidence by RSA and ECC keys is believed by our verifier, for this session's digest and no other",
        arguments: SoftwareTPM.Key.allCases)
    func evidence(kind: SoftwareTPM.Key) async throws {
        let tpm = try await SoftwareTPM()
        let key = try tpm.keep(kind, at: "0x81010002")
        let attester = Self.attester(tpm)
        #expect(try attester.tee == .tpm && attester.isUsable())
        let content = try await attester.evidence(reportData: Self.digest("session"))
        #expect(content["ak_public"] == .string(Base64.encode(key)))
        #expect(content["tpm_quote"]?.objectValue?.names == ["signature", "message", "pcrs"])
        #expect(content["tpm_quote"]?["pcrs"]?.arrayValue?.count == 24)
        let verifier = Self.verifier(trusting: key)
        let binding = EvidenceBinding(reportData: [Self.digest("session")])
        let result = try #require(try await Self.verify(content, by: verifier, binding))
        #expect(result.claims["report_data"] == .string(Hex.encode(Self.digest("session").prefix(32))))
        await #expect(throws: VerificationError.self) {
            try await Self.verify(content, by: verifier, EvidenceBinding(reportData: [Self.digest("another")]))
        }
    }

    @Test("report data that is shorter than the nonce is filled up with zeros, and longer is cut as the reference does")
    func nonces() async throws {
        let tpm = try await SoftwareTPM()
        let key = try tpm.keep(.ecc, at: "0x81010002")
        let verifier = Self.verifier(trusting: key)
        for data in [[1, 2, 3], [UInt8](repeating: 9, count: 32), [UInt8](repeating: 5, count: 64)] as [[UInt8]] {
            let content = try await Self.attester(tpm).evidence(reportData: data)
            #expect(try await Self.verify(content, by: verifier, EvidenceBinding(reportData: [data])) != nil)
        }
    }

    @Test("a TPM without the key, and a socket without a TPM, are named, with what to do")
    func missing() async throws {
        let tpm = try await SoftwareTPM()
        #expect(try !Self.attester(tpm).isUsable())
        await #expect {
            _ = try await Self.attester(tpm).evidence(reportData: [1])
        } throws: {
            guard let error = $0 as? GuestError else { return false }
            return error.code == .evidence && error.message.contains("0x81010002")
                && error.message.contains("AA_TPM_AK_HANDLE")
        }
        let nowhere = TPMAttester(TPMDevice("/nowhere/tpm", kernel: RealKernel()))
        await #expect {
            _ = try await nowhere.evidence(reportData: [1])
        } throws: {
            ($0 as? GuestError)?.message.contains("/nowhere/tpm") == true
        }
        #expect(TPMDevice.find("/nowhere/tpm", kernel: RealKernel()) == nil)
        #expect(TPMDevice.find(tpm.socket, kernel: RealKernel())?.path == tpm.socket)
    }

    @Test("the key's public area goes along, so that a key that signs anything is refused by our verifier")
    func unrestrictedKey() async throws {
        let tpm = try await SoftwareTPM()
        let key = try tpm.keep(
            .ecc, at: "0x81010002", attributes: "fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign")
        let content = try await Self.attester(tpm).evidence(reportData: Self.digest("session"))
        await #expect {
            _ = try await Self.verify(
                content, by: Self.verifier(trusting: key), EvidenceBinding(reportData: [Self.digest("session")]))
        } throws: {
            ($0 as? VerificationError)?.code == "key_not_restricted"
        }
    }

    @Test("callers at the same time all get their own evidence from one TPM")
    func concurrency() async throws {
        let tpm = try await SoftwareTPM()
        let key = try tpm.keep(.ecc, at: "0x81010002")
        let attester = Self.attester(tpm)
        let verifier = Self.verifier(trusting: key)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<6 {
                group.addTask {
                    let digest = Self.digest("\(number)")
                    let content = try await attester.evidence(reportData: digest)
                    #expect(
                        try await Self.verify(content, by: verifier, EvidenceBinding(reportData: [digest])) != nil)
                }
            }
            try await group.waitForAll()
        }
    }

    @Test("GC 9.A.20: the init-data's digest is all that PCR 8 is extended with, once, and evidence shows it")
    func initData() async throws {
        let tpm = try await SoftwareTPM()
        let key = try tpm.keep(.rsa, at: "0x81010002")
        let attester = Self.attester(tpm)
        let document = Array(SHA256.hash(data: Array("document".utf8)))
        let binding = InitDataBinding(
            attester, kernel: RealKernel(), device: TPMDevice(tpm.socket, kernel: RealKernel()))
        #expect(try await binding.bind(document) == .extended)
        let bound = Hex.encode(SHA256.hash(data: [UInt8](repeating: 0, count: 32) + document).map(\.self))
        #expect(try tpm.register(8) == bound)
        // An agent that starts again finds its own word, and extends nothing.
        #expect(try await binding.bind(document) == .extended)
        #expect(try tpm.register(8) == bound)
        let content = try await attester.evidence(reportData: Self.digest("session"))
        let expected = EvidenceBinding(reportData: [Self.digest("session")], initDataDigest: document)
        let result = try await Self.verify(content, by: Self.verifier(trusting: key), expected)
        #expect(result?.claims["init_data"] == .string(bound))
        await #expect(throws: GuestError.self) { try await binding.bind(Array(SHA256.hash(data: [1]))) }
        await #expect {
            _ = try await binding.bind(Self.digest("48 bytes"))
        } throws: {
            ($0 as? GuestError)?.message.contains("sha256") == true
        }
        #expect(try tpm.register(8) == bound)
    }

    @Test("events are measured into the register of the TPM that they name, and evidence's log leads to it")
    func events() async throws {
        let tpm = try await SoftwareTPM()
        let key = try tpm.keep(.ecc, at: "0x81010002")
        let folder = TemporaryFolder()
        let path = folder.path + "/eventlog"
        let measurements = try RuntimeMeasurements(
            into: TPMRegisters(TPMDevice(tpm.socket, kernel: RealKernel())), path: path, register: 16)
        #expect(try await measurements.record(domain: "d", operation: "o", content: "first") == .recorded)
        #expect(try await measurements.record(domain: "d", operation: "o", content: "other", register: 14) == .recorded)
        for refused: UInt64 in [0, 7, 8, 17, 22, 24, .max] {
            await #expect(throws: GuestError.self) {
                try await measurements.record(domain: "d", operation: "o", content: "c", register: refused)
            }
        }
        let log = PlatformEventLog(
            kernel: RealKernel(), path: folder.path + "/none", agentEvents: LoggedEvents(path).entries)
        let content = try await Self.attester(tpm, eventLog: log).evidence(reportData: Self.digest("session"))
        let verifier = Self.verifier(trusting: key)
        let binding = EvidenceBinding(reportData: [Self.digest("session")])
        let claims = try await Self.verify(content, by: verifier, binding)?.claims
        let events = try #require(claims?["uefi_event_logs"]?.arrayValue)
        #expect(events.map { $0["index"] } == [16, 14])
        #expect(events[0]["details"]?["data"]?["content"] == "first")
        // Whatever else is extended, the log leads there no more.
        try tpm.extend(16, hexadecimal: String(repeating: "ab", count: 32))
        let later = try await Self.attester(tpm, eventLog: log).evidence(reportData: Self.digest("session"))
        await #expect(throws: VerificationError.self) { try await Self.verify(later, by: verifier, binding) }
    }

    @Test("the register that a TPM refuses to software is refused before anything is started")
    func launchRegister() async throws {
        let tpm = try await SoftwareTPM()
        let registers = TPMRegisters(TPMDevice(tpm.socket, kernel: RealKernel()))
        let folder = TemporaryFolder()
        #expect {
            _ = try RuntimeMeasurements(into: registers, path: folder.path + "/eventlog", register: 17)
        } throws: {
            ($0 as? GuestError)?.message.contains("init_pcr") == true
        }
        // What the sentence says is so: this TPM refuses.
        #expect(throws: GuestError.self) {
            try registers.extend(at: 17, with: [UInt8](repeating: 1, count: 32))
        }
        try registers.extend(at: 23, with: [UInt8](repeating: 1, count: 32))
        #expect(Hex.encode(try registers.value(at: 23)) == (try tpm.register(23)))
    }
}
