import Encodings
import Foundation
import GuestTestSupport
import RATS
import Testing

@testable import Guest

@Suite("Evidence of devices")
struct DeviceEvidenceTests {
    private let folder = FileManager.default.temporaryDirectory.appending(path: "devices-\(UUID().uuidString)")

    /// A program of these lines; it is given the nonce as its second argument.
    private func program(_ lines: String) throws -> EvidenceCommand {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let file = folder.appending(path: UUID().uuidString)
        try Data("\(lines)\n".utf8).write(to: file)
        return try EvidenceCommand("/bin/sh \(file.path) --nonce {nonce}")
    }

    private func failure(_ commands: [EvidenceCommand]) async -> GuestError? {
        do { _ = try await NVIDIAAttester(commands: commands).evidence(reportData: [1]) } catch { return error }
        return nil
    }

    @Test("GC 9.A.6: sampledevice has svn 2 and is there only with ENABLE_SAMPLE_DEVICE")
    func sampleDevice() async throws {
        let without = try AttesterDetection.attester(AttesterSettings(allowSample: true), kernel: SimulatedKernel())
        #expect(without.additionalTEEs.isEmpty)
        #expect(try await without.additionalEvidence(reportData: [1]).isEmpty)
        let with = try AttesterDetection.attester(
            AttesterSettings(allowSample: true, environment: ["ENABLE_SAMPLE_DEVICE": "1"]), kernel: SimulatedKernel())
        #expect(with.tee == .sample)
        #expect(with.additionalTEEs == [.sampledevice])
        #expect(
            try await with.additionalEvidence(reportData: [1, 2])
                == #"{"sampledevice":{"svn":"2","report_data":"AQI="}}"#)
    }

    @Test("GC 9.A.21: device evidence is an object by TEE; without devices it is empty")
    func composite() async throws {
        let gpu = try program(##"echo '[{"arch":"HOPPER","evidence":"RQ==","certificate":"Qw==","nonce":"'$2'"}]'"##)
        defer { try? FileManager.default.removeItem(at: folder) }
        let attester = try AttesterDetection.attester(
            AttesterSettings(
                allowSample: true, environment: ["ENABLE_SAMPLE_DEVICE": ""], nvidiaCommands: [gpu]),
            kernel: SimulatedKernel())
        #expect(attester.additionalTEEs == [.nvidia, .sampledevice])
        let text = try await attester.additionalEvidence(reportData: [1])
        let value = try JSONValue(parsing: text)
        #expect(value.objectValue?.names == ["nvidia", "sampledevice"])
        #expect(
            value[pointer: "/nvidia/device_evidence_list"] == [
                ["arch": "HOPPER", "uuid": "unknown", "evidence": "RQ==", "certificate": "Qw=="]
            ])
    }

    @Test("the nonce is the first 32 bytes, padded where there are fewer, and reaches the program whole")
    func nonce() async throws {
        let echo = try program(##"echo '[{"arch":"LS10","evidence":"'$2'","certificate":"Qw==","uuid":"u"}]'"##)
        defer { try? FileManager.default.removeItem(at: folder) }
        for data in [[UInt8](1...48), [7], []] {
            let value = try await NVIDIAAttester(commands: [echo]).evidence(reportData: data)
            let expected = Hex.encode(Array((data + .zeros(32)).prefix(32)))
            #expect(value[pointer: "/device_evidence_list/0/evidence"] == .string(expected))
        }
    }

    @Test("what nvattest prints is understood, GPUs and switches are put together, noise on standard error is not")
    func nvattest() async throws {
        let gpus = try program(
            ##"echo noise >&2; echo '{"evidences":[{"arch":"hopper","evidence":"YQ==","certificate":"Yg=="},{"arch":"BLACKWELL","evidence":"Yw==","certificate":"ZA=="}],"result_code":0,"result_message":"Ok"}'"##
        )
        let switches = try program(
            ##"echo '{"device_evidence_list":[{"arch":"LS10","uuid":"s","evidence":"ZQ==","certificate":"Zg=="}]}'"##)
        defer { try? FileManager.default.removeItem(at: folder) }
        let value = try await NVIDIAAttester(commands: [gpus, switches]).evidence(reportData: [1])
        let list = value["device_evidence_list"]?.arrayValue ?? []
        #expect(list.map { $0["arch"]?.stringValue } == ["HOPPER", "BLACKWELL", "LS10"])
        #expect(list.last?["uuid"] == "s")
    }

    @Test("a program that is missing, fails, hangs or prints anything else gives no evidence, and is named")
    func failures() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let bad = [
            "exit 3", "echo nothing", "echo '[]'", "echo '{}'", "echo '[{}]'", "kill -9 $$",
            ##"echo '[{"arch":"ADA","evidence":"YQ==","certificate":"Yg=="}]'"##,
            ##"echo '[{"arch":"HOPPER","evidence":"","certificate":"Yg=="}]'"##,
            ##"echo '{"evidences":[],"result_code":7,"result_message":"no driver"}'"##,
        ]
        for lines in bad {
            let error = await failure([try program(lines)])
            #expect(error?.code == .evidence, "\(lines)")
        }
        #expect(await failure([try program(bad[8])])?.message.contains("no driver") == true)
        let missing = await failure([try EvidenceCommand("/nowhere/nvattest {nonce}")])
        #expect(missing?.message.contains("/nowhere/nvattest") == true)
        var slow = try program("sleep 600")
        slow.timeout = .milliseconds(300)
        #expect(await failure([slow])?.code == .evidence)
    }

    @Test("one device that fails fails all of them")
    func oneFails() async throws {
        defer { try? FileManager.default.removeItem(at: folder) }
        let good = try program(##"echo '[{"arch":"HOPPER","evidence":"YQ==","certificate":"Yg=="}]'"##)
        #expect(await failure([good, try program("exit 1")])?.code == .evidence)
        let attester = CompositeAttester(
            primary: SampleAttester(),
            devices: [SampleDeviceAttester(), NVIDIAAttester(commands: [try program("exit 1")])])
        await #expect {
            try await attester.additionalEvidence(reportData: [1])
        } throws: {
            ($0 as? GuestError)?.code == .evidence && "\($0)".contains("nvidia")
        }
    }

    @Test(
        "a command is an absolute path with a place for the nonce",
        arguments: ["", "nvattest {nonce}", "/usr/bin/nvattest", "/bin/{nonce}"])
    func badCommands(line: String) {
        #expect { try EvidenceCommand(line) } throws: { ($0 as? GuestError)?.code == .invalidRequest }
    }
}
