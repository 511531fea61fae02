import Encodings
import Glibc
import GuestTestSupport
import Synchronization
import TestInput
import Testing

@testable import Guest

@Suite("Evidence of SEV-SNP guests")
struct SNPAttesterTests {
    /// The report of a real processor that stands in for any.
    private static let real = "snp/milan-v2-trustee"
    private let template: [UInt8]

    init() throws {
        template = try Vectors.bytes(Self.real + "/report.bin")
    }

    /// Makes reports that cover what they are asked to.
    private var report: @Sendable ([UInt8]) -> [UInt8] {
        { [template] in template[..<0x50] + $0 + template[0x90...] }
    }

    private func attester(_ kernel: SimulatedKernel) -> SNPAttester { SNPAttester(kernel: kernel) { _ in } }

    private func device(_ host: SimulatedSEVGuest.Host) -> (kernel: SimulatedKernel, device: SimulatedDevice) {
        let guest = SimulatedSEVGuest(host, report: report)
        let device = SimulatedDevice { request throws(GuestError) in guest.answer(request) }
        let kernel = SimulatedKernel()
        kernel.put(.device(device), at: SEVGuestDevice.path)
        return (kernel, device)
    }

    private static func table(_ entries: [(guid: [UInt8], content: [UInt8])], padding: Int = 0) -> [UInt8] {
        var list: [UInt8] = []
        var contents: [UInt8] = []
        for (guid, content) in entries {
            list += guid
            list.appendLittleEndian(UInt32(24 * (entries.count + 1) + contents.count))
            list.appendLittleEndian(UInt32(content.count))
            contents += content
        }
        return list + .zeros(24) + contents + .zeros(padding)
    }

    /// 63da758d-e664-4564-adc5-f4b93be8accd as it stands in memory.
    private static let vcek: [UInt8] = [
        0x8D, 0x75, 0xDA, 0x63, 0x64, 0xE6, 0x64, 0x45, 0xAD, 0xC5, 0xF4, 0xB9, 0x3B, 0xE8, 0xAC, 0xCD,
    ]

    @Test(
        "GC 9.A.15: reports of real processors have the members and values that released agents send",
        arguments: ["milan-v2-trustee", "genoa-v3-trustee-e2e", "turin-v5-openanolis"])
    func members(name: String) throws {
        let report = try SNPReportFields(Vectors.bytes("snp/\(name)/report.bin"))
        guard var expected = try Vectors.json("snp/\(name)/evidence.json")["attestation_report"]?.objectValue else {
            Issue.record("the vector has no report")
            return
        }
        // Agents of its time did not know them.
        for member in ["launch_mit_vector", "current_mit_vector"] where expected[member] == nil {
            expected[member] = .null
        }
        #expect(JSONValue.object(report.json) == .object(expected))
        let order = report.json.names
        #expect(order.first == "version" && order.last == "signature" && order.count == 29)
    }

    @Test("GC 9.A.15: through configfs, with the host's certificates")
    func configfs() async throws {
        let table = Self.table([(Self.vcek, [1, 2, 3]), ([UInt8](repeating: 0xAB, count: 16), [4])], padding: 50)
        let tsm = SimulatedTSM("sev_guest") { [report] in (report($0.data), table) }
        let kernel = SimulatedKernel()
        kernel.put(tsm, at: SimulatedTSM.path)
        let digest = [UInt8](repeating: 0xD1, count: 48)
        let evidence = try await attester(kernel).evidence(reportData: digest)
        #expect(evidence[pointer: "/attestation_report/report_data"]?.byteArrayValue == digest + .zeros(16))
        let other = "abababab-abab-abab-abab-abababababab"
        #expect(
            evidence["cert_chain"] == [
                ["cert_type": "VCEK", "data": [1, 2, 3]], ["cert_type": ["OTHER": .string(other)], "data": [4]],
            ])
        #expect(evidence["cert_chain"]?.arrayValue?[0].objectValue?.names == ["cert_type", "data"])
    }

    @Test("GC 9.A.15: through the device, byte for byte, when configfs is not mounted; no table is null")
    func deviceBytes() async throws {
        let (kernel, device) = device(.init())
        let evidence = try await attester(kernel).evidence(reportData: [7])
        #expect(evidence["cert_chain"]?.isNull == true)
        #expect(device.requests.count == 1)
        let request = try #require(device.requests.first)
        #expect(request.number == 0xC020_5302)
        #expect(request.argument == [1] + .zeros(31))
        #expect(request.buffers[0] == [7] + .zeros(95) + [UInt8](repeating: 0xFF, count: 8) + .zeros(8))
        #expect(request.buffers[1] == .zeros(4000))
        #expect(request.pointers == [.init(in: .argument, at: 8, to: 0), .init(in: .argument, at: 16, to: 1)])
    }

    @Test("room for certificates is given in whole pages as the host asks, also when the table grows meanwhile")
    func growth() async throws {
        var host = SimulatedSEVGuest.Host(table: Self.table([(Self.vcek, [UInt8](repeating: 5, count: 5000))]))
        host.growth = 1
        let (kernel, device) = device(host)
        // Two pages are asked for, three are needed then, and so on: it grows each time, but the attempts have an end.
        await #expect(throws: GuestError.self) { try await attester(kernel).evidence(reportData: [7]) }
        let rooms = device.requests.map { request in request.buffers.count > 2 ? request.buffers[2].count : 0 }
        let expected: [Int] = [0] + (2...12).map { pages in 4096 * pages }
        #expect(rooms == expected)

        host.growth = 0
        let (calm, once) = self.device(host)
        let evidence = try await attester(calm).evidence(reportData: [7])
        #expect(once.requests.map { $0.buffers.count } == [2, 3])
        #expect(once.requests[1].pointers.last == .init(in: .buffer(0), at: 96, to: 2))
        #expect(once.requests[1].buffers[0][96..<112] == .zeros(9) + [0x20] + .zeros(6))
        #expect(evidence[pointer: "/cert_chain/0/data"]?.arrayValue?.count == 5000)
    }

    @Test("a throttled request is repeated after growing pauses; an endless throttle is an error")
    func throttle() async throws {
        for (throttled, succeeds) in [(3, true), (1000, false)] {
            var host = SimulatedSEVGuest.Host()
            host.throttled = throttled
            let (kernel, device) = device(host)
            let pauses = Pauses()
            let attester = SNPAttester(kernel: kernel) { pauses.add($0) }
            if succeeds {
                _ = try await attester.evidence(reportData: [7])
                #expect(pauses.all == [.milliseconds(100), .milliseconds(200), .milliseconds(400)])
            } else {
                await #expect {
                    try await attester.evidence(reportData: [7])
                } throws: {
                    ($0 as? GuestError)?.code == .evidence && "\($0)".contains("busy")
                }
                #expect(device.requests.count == 12)
                #expect(pauses.all.allSatisfy { $0 <= .seconds(2) })
            }
        }
    }

    @Test(
        "what firmware and host refuse is said with its number",
        arguments: [
            (UInt32(0x16), UInt64(0), "invalid parameters"), (0, 0x27, "firmware error 39"),
            (0, 7 << 32, "host error 7"),
        ])
    func refusals(status: UInt32, exit: UInt64, text: String) async throws {
        var host = SimulatedSEVGuest.Host()
        host.status = status
        host.exit = exit
        let (kernel, device) = device(host)
        await #expect {
            try await attester(kernel).evidence(reportData: [7])
        } throws: {
            ($0 as? GuestError)?.code == .evidence && "\($0)".contains(text)
        }
        #expect(device.requests.count == 1)
    }

    @Test("a host that asks for absurd room is refused", arguments: [UInt32(0), 1, 4095, 69_632, .max])
    func absurdRoom(wanted: UInt32) async throws {
        let device = SimulatedDevice { request throws(GuestError) in
            var (argument, buffers) = (request.argument, request.buffers)
            argument[28] = 1
            buffers[0].replaceSubrange(104..<108, with: withUnsafeBytes(of: wanted.littleEndian) { Array($0) })
            return DeviceAnswer(result: -1, systemError: EIO, argument: argument, buffers: buffers)
        }
        let kernel = SimulatedKernel()
        kernel.put(.device(device), at: SEVGuestDevice.path)
        await #expect {
            try await attester(kernel).evidence(reportData: [7])
        } throws: {
            "\($0)".contains("bytes for its certificates")
        }
        #expect(device.requests.count == 1)
    }

    @Test("a conflict in configfs does not take the way through the device")
    func conflict() async throws {
        let (kernel, device) = device(.init())
        kernel.put(
            SimulatedTSM("sev_guest", disturbances: .max) { [report] in (report($0.data), []) }, at: SimulatedTSM.path)
        await #expect(throws: GuestError.self) { try await attester(kernel).evidence(reportData: [7]) }
        #expect(device.requests.isEmpty)
    }

    @Test("configfs that is read-only, or of another TEE, leads to the device; without one both ways are named")
    func fallback() async throws {
        let (kernel, device) = device(.init())
        kernel.put(SimulatedTSM("sev_guest", refusal: EROFS) { _ in ([], []) }, at: SimulatedTSM.path)
        _ = try await attester(kernel).evidence(reportData: [7])
        #expect(device.requests.count == 1)
        await #expect {
            try await attester(SimulatedKernel()).evidence(reportData: [7])
        } throws: {
            "\($0)".contains("/sys/kernel/config/tsm/report") && "\($0)".contains("/dev/sev-guest")
        }
    }

    @Test("evidence is not bound to more bytes than the report has room for: nothing is cut off")
    func tooMuch() async throws {
        let (kernel, device) = device(.init())
        await #expect {
            try await attester(kernel).evidence(reportData: .zeros(65))
        } throws: {
            ($0 as? GuestError)?.code == .invalidRequest
        }
        #expect(device.requests.isEmpty)
    }

    @Test("a report over other data, of another size or version, or with more than names, is not sent")
    func wrongReports() async throws {
        func refuses(_ change: @escaping @Sendable (inout [UInt8]) -> Void) async -> Bool {
            let kernel = SimulatedKernel()
            let tsm = SimulatedTSM("sev_guest") { [report] in
                var bytes = report($0.data)
                change(&bytes)
                return (bytes, [])
            }
            kernel.put(tsm, at: SimulatedTSM.path)
            return await (try? attester(kernel).evidence(reportData: [7])) == nil
        }
        #expect(await !refuses { _ in })
        #expect(await refuses { $0[0x50] = 8 })
        #expect(await refuses { $0.append(0) })
        #expect(await refuses { $0.removeLast() })
        #expect(await refuses { $0[0] = 6 })
        #expect(await refuses { $0[0] = 1 })
        for offset in [0x3A, 0x4C, 0x188, 0x1F8, 0x208, 0x330, 0x49F] {
            #expect(await refuses { $0[offset] ^= 1 }, "\(offset)")
        }
    }

    @Test("certificate tables of any bytes are read or refused, never past their end")
    func fuzz() throws {
        var random = SeededGenerator(seed: 0x5E7)
        let good = Self.table([(Self.vcek, [1, 2, 3]), ([UInt8](repeating: 1, count: 16), .zeros(40))])
        #expect(try SNPHostCertificate.list(in: good).map(\.content.count) == [3, 40])
        #expect(try SNPHostCertificate.list(in: []).isEmpty)
        for _ in 0..<20_000 {
            var bytes = good
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = .random(in: .min ... .max, using: &random)
            }
            bytes.removeLast(Int.random(in: 0...bytes.count, using: &random))
            for certificate in (try? SNPHostCertificate.list(in: bytes)) ?? [] {
                #expect(certificate.content.count <= bytes.count)
            }
        }
    }
}

/// Notes pauses instead of waiting.
private final class Pauses: Sendable {
    private let list = Mutex<[Duration]>([])

    var all: [Duration] { list.withLock { $0 } }
    func add(_ duration: Duration) { list.withLock { $0.append(duration) } }
}
